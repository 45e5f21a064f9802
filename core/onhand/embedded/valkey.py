"""Valkey as a child process of ours: a carrier of job numbers, nothing in it need survive."""

from __future__ import annotations

import signal
import socket
from collections.abc import Sequence
from typing import ClassVar

from onhand.embedded.binaries import valkey_binary
from onhand.embedded.leftovers import stop_leftovers
from onhand.embedded.places import Places
from onhand.embedded.server import ServerProcess
from onhand.supervise import Guard, Steps

STEPS: Steps = ((signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0))


class ValkeyProcess(ServerProcess):
    """A server without persistence, on a unix socket only. When memory is full, keys with a time to live give way."""

    name: ClassVar[str] = "Valkey"

    def __init__(self, places: Places, *, guard: Guard) -> None:
        super().__init__(log=places.valkey_log, folder=places.valkey, guard=guard, steps=STEPS)
        self._places = places
        self._socket = places.sockets / "valkey.sock"
        self._pid_file = places.valkey / "valkey.pid"

    def _prepare(self) -> None:
        if self._pid_file.exists():  # it removes the file when it ends well
            stop_leftovers(self._places.valkey)
            self._pid_file.unlink(missing_ok=True)
        self._socket.unlink(missing_ok=True)

    def _command(self) -> Sequence[str]:
        options = {
            "port": "0",
            "unixsocket": str(self._socket),
            "unixsocketperm": "700",
            "pidfile": str(self._pid_file),
            "save": "",
            "appendonly": "no",
            "maxmemory": "256mb",
            "maxmemory-policy": "volatile-ttl",
            "daemonize": "no",
        }
        return [str(valkey_binary()), *(word for name, value in options.items() for word in (f"--{name}", value))]

    def _ready(self) -> bool:
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
                line.settimeout(1.0)
                line.connect(str(self._socket))
                line.sendall(b"PING\r\n")
                return line.recv(16).startswith(b"+PONG")
        except OSError:
            return False
