"""PostgreSQL and Valkey together, for as long as a `with` lasts."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from onhand.embedded import lock
from onhand.embedded.addresses import Addresses
from onhand.embedded.binaries import binaries_for, installed_binaries
from onhand.embedded.bootstrap import bootstrap
from onhand.embedded.errors import EmbeddedError, NotRunning
from onhand.embedded.places import Places, places_for, temporary_places
from onhand.embedded.postgres import PostgresProcess, StopMode
from onhand.embedded.scratch import sweep
from onhand.embedded.server import ServerProcess
from onhand.embedded.valkey import ValkeyProcess
from onhand.supervise import Guard, orderly_exit

logger = logging.getLogger(__name__)

NO_SETTINGS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Services(Addresses):
    """Running services: where they are and what they are. `folder` is where they live in the end."""

    folder: Path
    bin_dir: Path
    postgres_process: PostgresProcess | None
    valkey_process: ValkeyProcess | None

    @property
    def postgres(self) -> PostgresProcess:
        """The server itself; EmbeddedError when it was not asked for."""
        if self.postgres_process is None:
            raise EmbeddedError("PostgreSQL was not asked for")
        return self.postgres_process

    @property
    def valkey(self) -> ValkeyProcess:
        """The server itself; EmbeddedError when it was not asked for."""
        if self.valkey_process is None:
            raise EmbeddedError("Valkey was not asked for")
        return self.valkey_process

    @property
    def processes(self) -> list[ServerProcess]:
        """Those that were asked for."""
        return [process for process in (self.postgres_process, self.valkey_process) if process is not None]

    @property
    def postgres_pid(self) -> int:
        """The postmaster's pid now; another one after a restart."""
        return self.postgres.pid

    @property
    def valkey_pid(self) -> int:
        """The server's pid now; another one after a restart."""
        return self.valkey.pid

    @property
    def postgres_log(self) -> Path:
        """PostgreSQL's log file, deadlocks included."""
        return self.postgres.log

    @property
    def valkey_log(self) -> Path:
        """Valkey's log file."""
        return self.valkey.log

    def check(self) -> None:
        """Raise ServiceDied when a server has ended though nobody asked it to. Cheap: call it as often as you like."""
        for process in self.processes:
            process.check()

    def mend(self) -> list[str]:
        """Start again what has ended, and return the names of it; clients must connect again."""
        ended = [process for process in self.processes if not process.running]
        for process in ended:
            process.start()
        return [process.name for process in ended]

    def restart_postgres(self, mode: StopMode | None = "fast") -> None:
        """Stop PostgreSQL that way (None: kill -9), start it and wait until it answers."""
        if mode is None:
            self.postgres.kill()
        else:
            self.postgres.stop(mode)
        self.postgres.start()

    def restart_valkey(self) -> None:
        """Kill Valkey, with all that it held, and start it."""
        self.valkey.kill()
        self.valkey.start()


@contextmanager
def services(
    folder: Path, *, postgres: bool = True, valkey: bool = True, settings: Mapping[str, str] = NO_SETTINGS
) -> Iterator[Services]:
    """Run the services with their data in `folder` (made if missing), and stop them on every way out of the `with`.

    That includes exceptions, Ctrl-C, SIGTERM (SystemExit is raised) and kill -9 of this process: then a guardian stops
    them. FolderInUse when another process has them. Data survives; fsync is never off. The application's role comes
    with the migrations; the owner's role and the database are there. `settings` are PostgreSQL's.
    """
    places = places_for(folder)
    if places.home != folder.expanduser().resolve():
        logger.warning("%s is out of reach of PostgreSQL's OS user: its services live in %s", folder, places.home)
    with orderly_exit(), _run(places, postgres=postgres, valkey=valkey, settings=settings) as running:
        yield running


@contextmanager
def temporary_services(
    *,
    postgres: bool = True,
    valkey: bool = True,
    settings: Mapping[str, str] = NO_SETTINGS,
    in_memory: bool = False,
) -> Iterator[Services]:
    """As `services`, in a new folder that is removed at the end (by a later run, if this one is killed).

    Made for tests: SIGTERM keeps the meaning it had, since a SystemExit inside a test is only a failed test. `in_memory`:
    the folder is of the machine's memory where much of it is free. What was committed still survives every process; no
    commit waits for a disk.
    """
    places = temporary_places(in_memory=in_memory)
    with _run(places, postgres=postgres, valkey=valkey, settings=settings) as running:
        yield running


def attach(folder: Path) -> Addresses:
    """Where to find the services that another process runs in `folder`; NotRunning when none does."""
    if not folder.exists():
        raise NotRunning(f"there is no folder {folder}")
    home = places_for(folder).home
    sockets = lock.holder(home).sockets
    if sockets is None or not lock.held(home):
        raise NotRunning(f"no services run in {folder}")
    return Addresses(sockets)


@contextmanager
def _run(places: Places, *, postgres: bool, valkey: bool, settings: Mapping[str, str]) -> Iterator[Services]:
    with ExitStack() as stack:
        stack.enter_context(lock.hold(places.home, places.sockets))
        if places.forgotten:
            stack.callback(shutil.rmtree, places.home, ignore_errors=True)
        guard = stack.enter_context(Guard())
        places.make()
        running = Services(
            sockets=places.sockets,
            folder=places.home,
            bin_dir=installed_binaries(),
            postgres_process=_postgres(places, guard, settings) if postgres else None,
            valkey_process=ValkeyProcess(places, guard=guard) if valkey else None,
        )
        for process in running.processes:
            stack.callback(process.stop)
            process.launch()
        for process in running.processes:
            process.wait_ready()
        if postgres:
            bootstrap(running)
        sweep()
        yield running


def _postgres(places: Places, guard: Guard, settings: Mapping[str, str]) -> PostgresProcess:
    return PostgresProcess(places, programs=binaries_for(places.account), guard=guard, settings=settings)
