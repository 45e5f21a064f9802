from dataclasses import replace
from io import StringIO
from pathlib import Path

import msgspec
from onhand_demo.journal import Journal
from onhand_demo.result import Figures, Promise, show
from onhand_demo.stream import Stream
from onhand_demo.verdict import deadlocks, differences, repeats
from rich.console import Console


def test_one_unit_missing_one_unit_too_many_and_a_strange_place_are_all_told() -> None:
    expected = {("store-1", "A"): 3, ("store-1", "B"): -1, ("store-2", "A"): 5}
    found = {("store-1", "A"): 3, ("store-1", "B"): 0, ("store-2", "A"): 6, ("store-3", "C"): 1}
    told = list(differences(expected, found))
    assert [line.split(":")[0] for line in told] == ["B at store-1", "A at store-2", "C at store-3"]
    assert list(differences(expected, expected)) == []


def test_a_repeated_event_that_was_posted_again_breaks_the_promise(stream: Stream) -> None:
    journal = Journal()
    journal.outcomes["duplicate"] = stream.duplicated
    journal.conflicts = {("east-pos", str(number)) for number in range(stream.altered)}
    assert repeats(stream, journal) == []
    journal.outcomes["duplicate"] -= 1
    assert "answered as duplicates" in repeats(stream, journal)[0]
    assert "answered as conflicts" in repeats(replace(stream, altered=stream.altered + 1), journal)[1]


def test_a_deadlock_in_the_log_is_told(tmp_path: Path) -> None:
    log = tmp_path / "postgres.log"
    log.write_text("LOG:  checkpoint starting\n")
    assert deadlocks(log) == []
    log.write_text("LOG:  checkpoint starting\nERROR:  deadlock detected\n")
    assert deadlocks(log) == ["ERROR:  deadlock detected"]


def test_a_broken_promise_is_shown_with_the_first_things_against_it() -> None:
    screen = Console(file=StringIO(), width=120)
    show(
        screen, "A run", {"events": 12_345}, [Promise("all is well"), Promise("none lost", [f"e{n}" for n in range(9)])]
    )
    shown = screen.file.getvalue()  # type: ignore[attr-defined]
    assert "12,345" in shown
    assert "kept   all is well" in shown
    assert "BROKEN none lost" in shown
    assert "e4" in shown
    assert "e5" not in shown
    assert "and 4 more" in shown


def test_figures_are_one_line_of_json() -> None:
    figures = Figures(1.5, 2.5, 3, 4, 5.5, 6.5, {"shortage": 7}, 0)
    assert "\n" not in figures.as_json()
    assert msgspec.json.decode(figures.as_json())["exceptions"] == {"shortage": 7}
