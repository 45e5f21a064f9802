"""Several processes side by side: what they say, how they end, who is started again."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import psutil
import pytest
from onhand.supervise import ProcessEnded, Processes, ProcessSpec, run_processes
from onhand.supervise import slot as slot_module

SLEEP = "import time; time.sleep(99)"


def python(name: str, code: str, **options: object) -> ProcessSpec:
    return ProcessSpec(name, [sys.executable, "-c", code], **options)  # type: ignore[arg-type]


def until(true: Callable[[], bool], seconds_max: float = 60.0) -> None:
    deadline = time.monotonic() + seconds_max
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


class Heard(list[tuple[str, str]]):
    def __call__(self, name: str, line: str) -> None:
        self.append((name, line))


def test_lines_arrive_whole_with_the_name_of_who_said_them() -> None:
    heard = Heard()
    talk = (
        "import sys; print('één'); sys.stderr.write('trouble\\n'); sys.stdout.flush(); sys.stdout.write('unfinished')"
    )
    with Processes([python("web", talk), python("worker", SLEEP)], on_line=heard) as processes:
        assert str(processes.wait(60)) == "web ended by itself (exit code 0)"
        until(lambda: len(heard) == 3)
    assert heard == [("web", "één"), ("web", "trouble"), ("web", "unfinished")]


def test_a_line_split_over_many_writes_is_one_line_and_a_flood_is_not_lost() -> None:
    heard = Heard()
    flood = (
        "import sys, time; sys.stdout.write('a'); sys.stdout.flush(); time.sleep(0.2); print('b');"
        "[print(n) for n in range(20_000)]"
    )
    with Processes([python("web", flood)], on_line=heard) as processes:
        processes.wait(60)
    assert [line for _name, line in heard] == ["ab", *map(str, range(20_000))]


def test_what_goes_to_a_log_file_is_appended_there(tmp_path: Path) -> None:
    heard, log = Heard(), tmp_path / "web.log"
    log.write_text("before\n")
    with Processes([python("web", "print('now')", log=log)], on_line=heard) as processes:
        processes.wait(60)
    assert log.read_text() == "before\nnow\n"
    assert heard == []


def test_the_environment_is_ours_with_its_own_on_top(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FROM_US", "1")
    heard = Heard()
    show = "import os; print(os.environ['FROM_US'], os.environ['ITS_OWN'])"
    with Processes([python("web", show, environment={"ITS_OWN": "2"})], on_line=heard) as processes:
        processes.wait(60)
    assert heard == [("web", "1 2")]


@pytest.mark.parametrize(
    ("code", "returned"), [("raise SystemExit(3)", 3), ("pass", 1), ("import os; os.abort()", 134)]
)
def test_the_end_of_one_ends_the_others_and_is_returned(code: str, returned: int) -> None:
    heard = Heard()
    stays = python("worker", "import os, time; print(os.getpid()); time.sleep(99)")
    ends = python("web", f"import time; time.sleep(0.3); {code}")
    assert run_processes([stays, ends], on_line=heard) == returned
    assert not psutil.pid_exists(int(dict(heard)["worker"]))
    assert "web ended by itself" in dict(heard)["web"]


def test_the_time_being_up_is_a_success() -> None:
    heard = Heard()
    assert run_processes([python("web", SLEEP)], on_line=heard, stop_after=0.3) == 0
    assert heard == []


def test_a_failing_check_stops_everything_and_is_raised() -> None:
    heard = Heard()

    def check() -> None:
        if heard:
            raise LookupError("the database is gone")

    with pytest.raises(LookupError, match="the database is gone"):
        run_processes([python("web", f"import os; print(os.getpid()); {SLEEP}")], on_line=heard, check=check)
    assert not psutil.pid_exists(int(heard[0][1]))


def test_a_crashed_process_is_started_again_ever_more_slowly_and_then_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(slot_module, "FIRST_DELAY_SECONDS", 0.1)
    heard = Heard()
    crash = python("web", "import time; print(time.monotonic()); raise SystemExit(9)", restarts_max=3)
    with Processes([crash, python("worker", SLEEP)], on_line=heard) as processes:
        ended = processes.wait(60)
        assert isinstance(ended, ProcessEnded)
        assert (ended.name, ended.code, processes.restarts("web")) == ("web", 9, 3)
        assert set(processes.pids()) == {"worker"}, "the others go on until we leave"
        with pytest.raises(ProcessEnded):
            processes.check()
    starts = [float(line) for _name, line in heard if "ended" not in line]
    gaps = [later - earlier for earlier, later in pairwise(starts)]
    assert [gap > least for gap, least in zip(gaps, (0.1, 0.2, 0.4), strict=True)] == [True, True, True]


def test_a_killed_process_comes_back_under_another_pid(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slot_module, "FIRST_DELAY_SECONDS", 0.1)
    with Processes([python("web", SLEEP, restarts_max=1)], on_line=Heard()) as processes:
        killed = processes.kill("web")
        until(lambda: processes.restarts("web") == 1 and "web" in processes.pids())
        assert processes.pids()["web"] != killed
        processes.check()


def test_a_process_that_was_steady_gets_all_its_restarts_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slot_module, "FIRST_DELAY_SECONDS", 0.05)
    monkeypatch.setattr(slot_module, "STEADY_SECONDS", 0.0)
    with Processes([python("web", "pass", restarts_max=1)], on_line=Heard()) as processes:
        until(lambda: processes.restarts("web") >= 3)


def test_one_that_ignores_its_stop_signal_is_killed_with_its_children() -> None:
    heard = Heard()
    deaf = (
        "import signal, subprocess, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        f"child = subprocess.Popen([sys.executable, '-c', '{SLEEP}']); print(child.pid); time.sleep(99)"
    )
    with Processes([python("web", deaf, grace_seconds=0.3)], on_line=heard) as processes:
        until(lambda: bool(heard))
        pids = [processes.pids()["web"], int(heard[0][1])]
        begun = time.monotonic()
    assert 0.3 <= time.monotonic() - begun < 60
    until(lambda: not any(psutil.pid_exists(p) and psutil.Process(p).status() != "zombie" for p in pids))


def test_the_stop_signal_is_the_one_of_the_spec() -> None:
    heard = Heard()
    note = (
        "import signal, sys, time; signal.signal(signal.SIGUSR1, lambda *_: sys.exit('bye'));"
        "print('up'); time.sleep(99)"
    )
    with Processes([python("web", note, stop_signal=signal.SIGUSR1)], on_line=heard):
        until(lambda: bool(heard))
    assert heard == [("web", "up"), ("web", "bye")]


def test_a_listener_that_raises_does_not_blind_us(capsys: pytest.CaptureFixture[str]) -> None:
    def raises(name: str, line: str) -> None:
        raise LookupError(line)

    with Processes([python("web", "print('hello')")], on_line=raises) as processes:
        assert processes.wait(60) is not None
    assert "what it prints is dropped from here on: LookupError('hello')" in capsys.readouterr().out


def test_an_unknown_program_is_refused_and_nothing_stays() -> None:
    before = set(psutil.Process().children())
    with (
        pytest.raises(FileNotFoundError),
        Processes([python("web", SLEEP), ProcessSpec("worker", ["/no/such/program"])]),
    ):
        pass
    assert set(psutil.Process().children()) <= before


def test_two_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="two processes of one name"):
        Processes([python("web", SLEEP), python("web", SLEEP)])
