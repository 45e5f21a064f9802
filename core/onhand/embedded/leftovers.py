"""Servers that an earlier run lost."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import psutil

SERVERS = ("postgres", "valkey-server")
WALK = ((signal.SIGINT, 10.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0))


def stop_leftovers(folder: Path) -> list[int]:
    """Stop every server that still works in or below `folder`, and return their pids. Hold the folder's lock.

    They are known by program and working folder, so a pid that now belongs to somebody else is never touched. Backends
    that lost their postmaster are killed: until they are gone no new one may start, and what they had is on disk.
    """
    found = remaining = _servers_below(folder.resolve())
    for number, seconds in WALK:
        pids = {process.pid for process in remaining}
        for process in remaining:
            if number == signal.SIGKILL or _is_orphan(process, pids):
                _send(process, signal.SIGKILL)
            elif process.info["ppid"] not in pids:  # the head of the family sees to the rest
                _send(process, number)
        remaining = _wait(remaining, seconds)
        if not remaining:
            break
    return [process.pid for process in found]


def forget_zombie(pid_file: Path) -> None:
    """Remove the pid file of a server that is dead but not reaped yet: the next one would take it for alive."""
    try:
        pid = int(pid_file.read_text().split(maxsplit=1)[0])
    except FileNotFoundError:  # the server took it along, as it should
        return
    if psutil.pid_exists(pid) and not _at_work(psutil.Process(pid)):
        pid_file.unlink()


def _servers_below(folder: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter(["name", "ppid", "cmdline"]):
        if process.info["name"] in SERVERS:
            try:
                works_in = Path(process.cwd().removesuffix(" (deleted)"))
            except psutil.Error:  # ended just now, or not ours to look at
                continue
            if works_in.is_relative_to(folder):
                found.append(process)
    return found


def _is_orphan(process: psutil.Process, pids: set[int]) -> bool:
    """A backend (`postgres: …`) whose parent is none of them any more."""
    title = (process.info["cmdline"] or [""])[0]
    return process.info["ppid"] not in pids and title.startswith("postgres: ")


def _wait(processes: list[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Those that are still at work after so long. A zombie is not: when it is reaped is up to its new parent."""
    deadline = time.monotonic() + seconds
    while (remaining := [each for each in processes if _at_work(each)]) and time.monotonic() < deadline:
        time.sleep(0.02)
    return remaining


def _at_work(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _send(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return
