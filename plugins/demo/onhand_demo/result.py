"""What a run came to: its figures, and the promises it kept or broke."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

import msgspec
from rich.console import Console
from rich.table import Table

KINDS = (
    "shortage", "reservation_refused", "event_parked", "event_conflict", "latency_breach", "hold_overdue", "sync_gap",
)  # fmt: skip
"""Exception kinds that the stream is made to raise, every one of them."""

DETAILS_MAX = 5


@dataclass(frozen=True, slots=True)
class Figures:
    """The numbers of the last line that `--check --json` prints."""

    events_per_s: float
    holds_per_s: float
    refused: int
    """holds that were refused"""
    duplicates: int
    """events the site knew already and did not post again"""
    latency_p50_s: float
    latency_p95_s: float
    exceptions: Mapping[str, int]
    verify_differences: int

    def as_json(self) -> str:
        """One line of JSON."""
        return msgspec.json.encode(asdict(self)).decode()


@dataclass(frozen=True, slots=True)
class Promise:
    """Something that must hold after the run, and what speaks against it."""

    says: str
    against: Sequence[str] = field(default_factory=tuple)

    @property
    def kept(self) -> bool:
        """Whether nothing speaks against it."""
        return not self.against


def show(console: Console, title: str, facts: Mapping[str, object], promises: Sequence[Promise]) -> None:
    """Print the figures, then each promise with the first few things against it."""
    table = Table(title=title, show_header=False, title_justify="left")
    table.add_column(style="bold")
    table.add_column(justify="right")
    for name, value in facts.items():
        table.add_row(name, f"{value:,.1f}" if isinstance(value, float) else _plain(value))
    console.print(table)
    for promise in promises:
        console.print(f"{'[green]kept[/]  ' if promise.kept else '[red]BROKEN[/]'} {promise.says}")
        for line in promise.against[:DETAILS_MAX]:
            console.print(f"         {line}", highlight=False)
        if len(promise.against) > DETAILS_MAX:
            console.print(f"         … and {len(promise.against) - DETAILS_MAX} more")


def _plain(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)
