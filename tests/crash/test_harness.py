"""The crash run finds nothing where there is nothing, and what was planted; its eyes see what it says they see."""

import json
import subprocess
import sys
import tempfile
from itertools import islice
from pathlib import Path

import pytest

from crash import stage
from crash.promises import Promise
from crash.protocol import Backend, Frontend
from crash.schedule import DECK, schedule
from crash.traps import POINTS

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def runs():
    """Both at once: most of each is starting up."""
    common = [sys.executable, str(ROOT / "tests/crash"), "--json", "--calm", "--seed", "1"]
    asked = {"true": ["--minutes", "0.07"], "planted": ["--planted", "--minutes", "0.06", "--patience", "2"]}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        processes = {
            name: subprocess.Popen([*common, *more, "--folder", f"{folder}/{name}"], cwd=ROOT, **pipes)
            for name, more in asked.items()
        }
        Path(folder).chmod(0o755)
        yield {name: (*process.communicate(timeout=100), process) for name, process in processes.items()}
        for process in processes.values():
            process.terminate()


def test_without_faults_the_books_agree_with_the_journal(runs):
    out, said, process = runs["true"]
    assert process.returncode == 0, said
    figures = json.loads(out.splitlines()[-1])
    assert (figures["lost"], figures["doubled"], figures["violations"], figures["unknown"]) == (0, 0, 0, 0)
    assert figures["commands"] == figures["acknowledged"] + figures["refused"] > 100


def test_a_hold_that_reads_and_then_writes_turns_the_run_red(runs):
    out, said, process = runs["planted"]
    assert process.returncode == 1, said
    assert json.loads(out.splitlines()[-1])["violations"] > 0
    assert "violation: I1 balance_is_sum_of_ledger" in said


def test_all_is_healed_when_a_killed_process_runs_again_and_not_before(monkeypatch):
    """The supervisor lets one that fell again and again wait for up to half a minute, and holds do not expire meanwhile."""

    class Supervised:
        looks = 0

        def check(self):
            pass

        def pids(self):
            self.looks += 1
            return dict.fromkeys(stage.ROLES if self.looks > 2 else ("web", "worker"), 1)

    monkeypatch.setattr(stage.Stage, "_takes_requests", lambda _: True)
    processes = Supervised()
    stage.Stage(Path(), None, None, processes, None, None, 0).wait_ready()
    assert processes.looks == 3


def test_the_schedule_is_the_seeds():
    def told(seed: int) -> list[str]:
        return [f"{fault.wait_seconds} {fault.kind} {fault.trap}" for fault in islice(schedule(seed), 200)]

    assert told(7) == told(7) != told(8)
    assert {fault.kind for fault in islice(schedule(7), len(DECK))} == set(DECK)


def test_every_point_is_a_statement_of_the_code():
    code = "".join(path.read_text() for path in ROOT.glob("[ca]*/**/onhand*/**/*.py"))
    named = {point for points in POINTS.values() for point in points if point.islower()}
    assert sorted(point for point in named if f"/* {point} */" not in code and f'"{point}"' not in code) == []


def message(kind: str, body: bytes) -> bytes:
    return kind.encode() + (len(body) + 4).to_bytes(4) + body


def said(frontend: Frontend, *messages: bytes) -> list[str]:
    found = [frontend.begins(kind, body) for kind, body, _ in frontend.messages.feed(b"".join(messages))]
    return [point for point in found if point]


@pytest.mark.parametrize("chunk", [1, 7, 1000])
def test_messages_are_cut_where_they_end_however_they_arrive(chunk):
    stream = message("Q", b"BEGIN\0") + message("P", b"s1\0/* post.lock */ SELECT 1\0\0\0") + message("S", b"")
    frontend = Frontend()
    parts = [stream[start : start + chunk] for start in range(0, len(stream), chunk)]
    passed = b"".join(one for part in parts for _, _, one in frontend.messages.feed(part))
    assert passed == stream


def test_a_prepared_statement_is_known_by_its_first_text():
    frontend = Frontend()
    parse = message("P", b"s1\0\n/* post.lock */ SELECT 1\0\0\0")
    again = message("B", b"\0s1\0rest") + message("E", b"\0\0\0\0\0") + message("S", b"")
    assert said(frontend, message("Q", b"BEGIN\0"), parse, again) == ["BEGIN", "post.lock"]
    assert said(frontend, again) == ["post.lock"]
    assert frontend.number == 2


def test_the_end_of_a_statement_is_told_among_pipelined_ones_and_after_an_error():
    frontend = Frontend()
    backend = Backend(frontend)
    parse = [message("P", f"{name}\0/* {name} */ SELECT 1\0\0\0".encode()) for name in "abc"]
    run = [message("B", f"\0{name}\0".encode()) + message("E", b"\0\0\0\0\0") for name in "abc"]
    said(frontend, *parse, run[0], run[1], message("S", b""), run[2], message("S", b""))

    def ends(*kinds: str) -> list[str | None]:
        return [backend.ends(ord(kind), b"") for kind in kinds]

    assert ends("1", "2", "D", "C") == [None, None, None, "a"]
    assert ends("E", "Z") == [None, None], "b failed, and everything up to the Sync was skipped"
    assert ends("C", "Z") == ["c", None]


def test_a_promise_whose_time_is_up_lapses_and_an_unheard_answer_is_kept_open():
    line = {"sku": "A", "location": "X", "quantity": 3}
    promise = Promise.of({"id": "1", "reference": "r", "expires_at": "2026-01-01T00:00:00Z", "lines": [line]})
    before, after = promise.expires_at.replace(year=2025), promise.expires_at.replace(year=2027)
    promise.maybe().confirm()
    promise.release({1: 1})
    assert promise.final(before).lines == ((0, 1, 0),)
    assert (promise.final(after).status, promise.final(after).lines) == ("expired", ((0, 3, 2),))
    assert promise.alternatives[0].final(after).status == "confirmed"
