"""The site over a real socket: gunicorn with threads, as in production, on a loopback port nobody else has."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from types import TracebackType
from typing import IO, Self

from flask import Flask

from onhand.addons import Addon
from onhand.config import Settings
from onhand.supervise import Guard

__all__ = ["Server", "served_app"]

TOLD = "TESTED_SITE"
READY_SECONDS_MAX = 120.0
STOP_SECONDS = 10.0


class Server:
    """A web server of its own processes, running while the `with` lasts; it ends with the test run, however that ends."""

    def __init__(self, settings: Settings, addons: Sequence[Addon], *, workers: int = 1, threads: int = 16) -> None:
        self._told = json.dumps({"settings": asdict(settings), "addons": [asdict(addon) for addon in addons]})
        self._size = ("--workers", str(workers), "--threads", str(threads))
        self._stack = ExitStack()
        self.url = ""

    @property
    def alive(self) -> bool:
        """False once its end was noticed."""
        return self._process.poll() is None

    @property
    def pid(self) -> int:
        """The arbiter's process id."""
        return self._process.pid

    @property
    def output(self) -> str:
        """What it has printed so far."""
        self._output.seek(0)
        return self._output.read().decode(errors="replace")

    def stop(self) -> None:
        """Stop it and wait until it is gone. Twice is harmless."""
        if self.alive:
            self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self.pid, signal.SIGKILL)
            self._process.wait()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._output: IO[bytes] = stack.enter_context(tempfile.TemporaryFile())
            guard = stack.enter_context(Guard())
            self._process = self._start()
            guard.watch(self.pid, [(signal.SIGTERM, STOP_SECONDS), (signal.SIGKILL, 5.0)], group=True)
            stack.callback(guard.forget, self.pid)
            stack.callback(self.stop)
            self._wait()
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def _start(self) -> subprocess.Popen[bytes]:
        """Hand on an open socket, so that there is no moment in which another process could take the port."""
        path = os.pathsep.join(filter(None, [*sys.path, os.environ.get("PYTHONPATH")]))
        with socket.create_server(("127.0.0.1", 0), backlog=1024) as listening:
            self.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
            bind = ("--bind", f"fd://{listening.fileno()}")
            conf = ("-c", "python:onhand.cli.gunicorn_conf")
            return subprocess.Popen(  # noqa: S603 - no shell, and nothing from outside
                [sys.executable, "-m", "gunicorn", *conf, *bind, *self._size, f"{__name__}:served_app()"],
                stdin=subprocess.DEVNULL,
                stdout=self._output,
                stderr=subprocess.STDOUT,
                env={"PATH": os.environ["PATH"], "PYTHONPATH": path, TOLD: self._told},
                pass_fds=[listening.fileno()],
                start_new_session=True,
            )

    def _wait(self) -> None:
        deadline = time.monotonic() + READY_SECONDS_MAX
        while time.monotonic() < deadline and self.alive:
            try:
                with urllib.request.urlopen(f"{self.url}/livez", timeout=1) as answer:  # noqa: S310 - our own server's address
                    answer.read()
                return
            except OSError:
                time.sleep(0.02)
        raise RuntimeError(f"the server did not start:\n{self.output}")


def served_app() -> Flask:
    """Return the application that the test run described."""
    from onhand.app import create_app

    told = json.loads(os.environ.pop(TOLD))
    addons = [
        Addon(**{**addon, "requires": tuple(addon["requires"]), "extras": tuple(addon["extras"])})
        for addon in told["addons"]
    ]
    return create_app(Settings(**told["settings"]), addons=addons)
