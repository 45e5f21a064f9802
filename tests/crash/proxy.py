"""The way between the processes and PostgreSQL: a proxy that watches, strikes at named statements, slows and cuts."""

import asyncio
import contextlib
import os
import shutil
import signal
import struct
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from onhand.embedded import Addresses
from onhand.embedded.addresses import PORT

from crash.protocol import CANCEL, ENCRYPTION, Backend, Frontend, startup
from crash.traps import Trap, When

__all__ = ["Proxy", "Weather"]

CHUNK_BYTES = 1 << 16
SO_PEERCRED = 17
LAST_WORD_SECONDS = 5.0
SOCKET = f".s.PGSQL.{PORT}"


@dataclass(frozen=True, slots=True)
class Weather:
    """What happens to everything that passes: each chunk waits, nothing passes, or nobody gets in."""

    delay_seconds: float = 0.0
    stalled: bool = False
    closed: bool = False


@dataclass(eq=False)
class Line:
    """One connection of a process."""

    role: str
    pid: int
    frontend: Frontend
    backend: Backend
    writers: tuple[asyncio.StreamWriter, asyncio.StreamWriter]
    is_struck: bool = False
    """the server ends it: of its answers only the last word reaches the client"""

    def cut(self) -> None:
        """End it without a word to either side."""
        for writer in self.writers:
            writer.transport.abort()


@dataclass
class Proxy:
    """One door per role, each a folder with a socket, so that it is known who speaks. Runs in a thread of its own."""

    target: Addresses
    roles: Sequence[str]
    terminate: Callable[[int], None]
    """ends the server's side of a connection, by its backend's pid"""
    weather: Weather = Weather()
    seen: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(role, statement) → how often it began"""
    _trap: Trap | None = None
    _lines: set[Line] = field(default_factory=set)

    def addresses(self, role: str) -> Addresses:
        """Where a role finds PostgreSQL: as short a path as the server's own."""
        return Addresses(self.target.sockets.with_name(role[:3]))

    def arm(self, trap: Trap | None) -> None:
        """Set a trap in place of the one before."""
        self._trap = trap

    def pids(self, role: str) -> list[int]:
        """The processes of a role that are connected now."""
        return sorted({line.pid for line in self._lines.copy() if line.role == role})

    def cut(self, roles: Sequence[str]) -> int:
        """Cut all connections of these roles; return how many."""
        lines = [line for line in self._lines.copy() if line.role in roles]
        for line in lines:
            self._loop.call_soon_threadsafe(line.cut)
        return len(lines)

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._open(), self._loop).result()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        for role in self.roles:
            shutil.rmtree(self.addresses(role).sockets, ignore_errors=True)

    async def _open(self) -> None:
        self._servers = []
        for role in self.roles:
            folder = self.addresses(role).sockets
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(mode=0o700)
            server = await asyncio.start_unix_server(self._door(role), folder / SOCKET, limit=CHUNK_BYTES)
            self._servers.append(server)

    async def _close(self) -> None:
        for server in self._servers:
            server.close()
        for line in self._lines.copy():
            line.cut()
        this = asyncio.current_task()
        others = [task for task in asyncio.all_tasks() if task is not this]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def _door(self, role: str) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], "asyncio.Future[None]"]:
        async def enter(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                await self._serve(role, reader, writer)
            writer.transport.abort()

        return enter  # type: ignore[return-value]

    async def _serve(self, role: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.weather.closed:
            return
        hello = await reader.readexactly(8)
        while (startup(hello) or (0, 0))[1] in ENCRYPTION:
            writer.write(b"N")
            hello = await reader.readexactly(8)
        length, code = startup(hello) or (8, 0)
        hello += await reader.readexactly(length - 8)
        server_reader, server_writer = await asyncio.open_unix_connection(self.target.sockets / SOCKET)
        frontend = Frontend()
        line = Line(role, _peer(writer), frontend, Backend(frontend), (writer, server_writer))
        self._lines.add(line)
        try:
            server_writer.write(hello)
            if code != CANCEL:
                await self._both_ways(line, reader, server_reader)
        finally:
            self._lines.discard(line)
            line.cut()

    async def _both_ways(self, line: Line, reader: asyncio.StreamReader, server_reader: asyncio.StreamReader) -> None:
        ways = [
            asyncio.ensure_future(self._ask(line, reader)),
            asyncio.ensure_future(self._answer(line, server_reader)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _ask(self, line: Line, reader: asyncio.StreamReader) -> None:
        out = line.writers[1]
        while data := await reader.read(CHUNK_BYTES):
            whole = []
            for kind, body, message in line.frontend.messages.feed(data):
                point = line.frontend.begins(kind, body)
                if point:
                    self.seen[line.role, point] += 1
                    if (trap := self._caught(line, "before", point)) is not None:
                        out.write(b"".join(whole))
                        await out.drain()
                        await self._strike(line, trap)
                        return
                whole.append(message)
            await self._pass()
            out.write(b"".join(whole))
            await out.drain()

    async def _answer(self, line: Line, reader: asyncio.StreamReader) -> None:
        out = line.writers[0]
        while data := await reader.read(CHUNK_BYTES):
            whole = []
            for kind, body, message in line.backend.messages.feed(data):
                ended = line.backend.ends(kind, body)
                if ended and (trap := self._caught(line, "after", ended)) is not None:
                    await self._strike(line, trap)  # what it answered reaches nobody
                if not line.is_struck or kind == ord("E"):
                    whole.append(message)
            await self._pass()
            out.write(b"".join(whole))
            await out.drain()

    def _caught(self, line: Line, when: When, point: str) -> Trap | None:
        trap = self._trap
        return trap if trap is not None and trap.catches(line.role, when, point, line.frontend.number) else None

    async def _strike(self, line: Line, trap: Trap) -> None:
        line.is_struck = True
        if trap.act == "terminate":
            ending = asyncio.to_thread(self.terminate, line.backend.pid)
            await (ending if trap.when == "after" else asyncio.gather(ending, asyncio.sleep(LAST_WORD_SECONDS)))
            return
        if trap.act == "kill":
            with contextlib.suppress(ProcessLookupError):
                os.kill(line.pid, signal.SIGKILL)
        line.cut()

    async def _pass(self) -> None:
        weather = self.weather
        if weather.delay_seconds:
            await asyncio.sleep(weather.delay_seconds)
        while self.weather.stalled:
            await asyncio.sleep(0.02)


def _peer(writer: asyncio.StreamWriter) -> int:
    """Return the pid of the process at the other end of a unix socket (Linux)."""
    size = struct.calcsize("3i")
    found = writer.get_extra_info("socket").getsockopt(1, SO_PEERCRED, size)
    return int(struct.unpack("3i", found)[0])
