"""However a supervisor ends, its processes and theirs are gone."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from onhand.supervise import Child, Guard

SUPERVISED = Path(__file__).with_name("supervised.py")
SLEEP = [sys.executable, "-c", "import time; time.sleep(99)"]


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def all_gone(pids: list[int], seconds_max: float = 60.0) -> bool:
    deadline = time.monotonic() + seconds_max
    while any(alive(pid) for pid in pids):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


@pytest.fixture
def supervisor(request: pytest.FixtureRequest) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, str(SUPERVISED), request.param],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        yield process
        process.kill()


def family(process: subprocess.Popen[str]) -> list[int]:
    """Everything below the supervisor, once the grandchild was heard of: guardian, child, grandchild."""
    assert process.stdout is not None
    grandchild = int(process.stdout.readline())
    pids = [each.pid for each in psutil.Process(process.pid).children(recursive=True)]
    assert len(pids) == 3
    assert grandchild in pids
    return pids


@pytest.mark.parametrize(("supervisor", "code"), [("return", 0), ("raise", 1)], indirect=["supervisor"])
def test_returning_and_raising_stop_everything(supervisor: subprocess.Popen[str], code: int) -> None:
    pids = family(supervisor)
    assert supervisor.wait(60) == code
    assert all_gone(pids)


@pytest.mark.parametrize(
    ("supervisor", "number", "code"),
    [
        ("wait", signal.SIGTERM, 143),
        ("wait", signal.SIGINT, -signal.SIGINT),
        ("run", signal.SIGTERM, 0),
        ("run", signal.SIGINT, 0),
        ("run", signal.SIGHUP, 0),
    ],
    indirect=["supervisor"],
)
def test_being_asked_to_end_stops_everything_first(
    supervisor: subprocess.Popen[str], number: signal.Signals, code: int
) -> None:
    pids = family(supervisor)
    supervisor.send_signal(number)
    assert supervisor.wait(60) == code
    assert all_gone(pids, seconds_max=1.0), "killed before we returned, if not yet buried"


@pytest.mark.parametrize("supervisor", ["wait", "run"], indirect=True)
def test_a_killed_supervisor_leaves_nothing(supervisor: subprocess.Popen[str]) -> None:
    pids = family(supervisor)
    supervisor.kill()
    assert all_gone(pids)


def test_a_guard_stops_what_is_still_watched_when_it_is_left() -> None:
    with Guard() as guard:
        child = Child(SLEEP, guard=guard, steps=((signal.SIGTERM, 5.0),))
        assert alive(child.pid)
    assert child.poll() == -signal.SIGTERM


def test_a_guard_forgets_what_has_ended() -> None:
    with Guard() as guard:
        ended = Child(SLEEP, guard=guard, steps=((signal.SIGTERM, 5.0),))
        assert ended.stop() == -signal.SIGTERM
        stays = subprocess.Popen(SLEEP)
        guard.watch(stays.pid, ((signal.SIGTERM, 5.0),), group=False)
        guard.forget(stays.pid)
    assert alive(stays.pid)
    stays.kill()
    stays.wait()


def test_a_killed_guardian_is_replaced_and_knows_everything() -> None:
    with Guard() as guard:
        first = Child(SLEEP, guard=guard, steps=((signal.SIGTERM, 5.0),))
        before = guard.pid
        psutil.Process(before).kill()
        assert all_gone([before])
        second = Child(SLEEP, guard=guard, steps=((signal.SIGTERM, 5.0),))
        assert guard.pid != before
    assert (first.poll(), second.poll()) == (-signal.SIGTERM, -signal.SIGTERM)


def test_signals_are_walked_through_until_one_helps() -> None:
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(99)"
    with Guard() as guard:
        child = Child(
            [sys.executable, "-c", deaf],
            guard=guard,
            steps=((signal.SIGTERM, 0.3), (signal.SIGKILL, 5.0)),
            output=subprocess.PIPE,
        )
        assert child.output is not None
        child.output.readline()
        begun = time.monotonic()
        assert child.stop() == -signal.SIGKILL
        assert time.monotonic() - begun >= 0.3
        child.output.close()
