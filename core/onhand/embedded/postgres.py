"""PostgreSQL as a child process of ours."""

from __future__ import annotations

import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Literal

from onhand.embedded.cluster import make_cluster, settings_text, write_settings
from onhand.embedded.errors import EmbeddedError
from onhand.embedded.leftovers import forget_zombie, stop_leftovers
from onhand.embedded.places import Places
from onhand.embedded.server import ServerProcess
from onhand.supervise import Guard, Steps

StopMode = Literal["smart", "fast", "immediate"]

IMMEDIATE: Steps = ((signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0))
FAST: Steps = ((signal.SIGINT, 20.0), *IMMEDIATE)  # the last checkpoint takes its time
STEPS: Mapping[StopMode, Steps] = {"smart": ((signal.SIGTERM, 20.0), *FAST), "fast": FAST, "immediate": IMMEDIATE}


class PostgresProcess(ServerProcess):
    """The server of one cluster: fast shutdown by default, then immediate, then SIGKILL. Acknowledged is durable."""

    name: ClassVar[str] = "PostgreSQL"

    def __init__(self, places: Places, *, programs: Path, guard: Guard, settings: Mapping[str, str]) -> None:
        super().__init__(
            log=places.postgres_log,
            folder=places.data,
            guard=guard,
            steps=IMMEDIATE if places.forgotten else FAST,
            account=places.account,
        )
        self._places = places
        self._pid_file = places.data / "postmaster.pid"
        self._programs = programs
        self._settings = settings_text(places.sockets, settings)

    def stop(self, mode: StopMode | None = None) -> None:
        """Stop it as `pg_ctl stop --mode` would, fast by default. Nothing happens when it does not run."""
        self._end(STEPS[mode] if mode else self._steps)

    def _prepare(self) -> None:
        places = self._places
        if self._pid_file.exists():  # it removes the file when it ends well
            stop_leftovers(places.data)
            forget_zombie(self._pid_file)
        for socket in places.sockets.glob(".s.PGSQL.*"):
            socket.unlink()
        make_cluster(places, programs=self._programs, guard=self._guard)
        write_settings(places.data, self._settings)

    def _command(self) -> Sequence[str]:
        return [str(self._programs / "postgres"), "-D", str(self._places.data)]

    def _ready(self) -> bool:
        """The server says so in its pid file: pid in line 1, state in line 8."""
        try:
            lines = self._pid_file.read_text().splitlines()
            return len(lines) >= 8 and int(lines[0]) == self.pid and lines[7].strip() == "ready"
        except (FileNotFoundError, EmbeddedError):
            return False
