"""Whole services in short-lived folders, and processes that hold them."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil
import pytest

HOLDER = Path(__file__).with_name("holder.py")
GONE_SECONDS_MAX = 60.0


@dataclass
class Holder:
    """A process that holds services, as told by what it printed when they were up."""

    process: subprocess.Popen[str]
    postgres: int
    valkey: int
    guardian: int
    folder: Path

    @property
    def servers(self) -> list[int]:
        return [self.postgres, self.valkey]


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture
def all_gone() -> Callable[[list[int]], bool]:
    """Whether all of the processes end before the deadline."""

    def wait(pids: list[int]) -> bool:
        deadline = time.monotonic() + GONE_SECONDS_MAX
        while any(alive(pid) for pid in pids):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True

    return wait


@pytest.fixture
def running() -> Callable[[list[int]], bool]:
    return lambda pids: all(alive(pid) for pid in pids)


@pytest.fixture
def hold() -> Iterator[Callable[..., Holder]]:
    """Start a process that holds services in a folder and, once they are up, waits, returns or raises."""
    started: list[subprocess.Popen[str]] = []

    def start(folder: Path | None, then: str = "wait") -> Holder:
        process = subprocess.Popen(
            [sys.executable, str(HOLDER), str(folder or ""), then],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stdout is not None
        first = process.stdout.readline()
        if not first:
            process.wait(60)
            raise AssertionError(read(process.stderr))
        told = json.loads(first)
        return Holder(process, told["postgres"], told["valkey"], told["guardian"], Path(told["folder"]))

    yield start
    for process in started:
        process.kill()
        process.communicate()


def read(stream: IO[str] | None) -> str:
    return stream.read() if stream else ""
