"""Rounds, percentiles and ratios."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class Growth:
    """How large the large books are."""

    holds: int = 1_000_000
    entries: int = 10_000_000

    def describe(self) -> str:
        """Say so in a few words."""
        return f"{self.holds:,} open holds, {self.entries:,} ledger entries"


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how often each side is measured."""

    rounds: int
    seconds: float
    callers: tuple[int, ...] = ()
    growth: Growth = Growth()

    def callers_of(self, own: Sequence[int]) -> list[int]:
        """Return the numbers of callers to measure an arm with."""
        return [count for count in own if not self.callers or count in self.callers]


@dataclass(slots=True)
class Run:
    """One side of one round: operations, the seconds they took, and each caller's wait in seconds."""

    ops: int
    seconds: float
    waits: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Operations a second."""
        return self.ops / self.seconds


@dataclass(frozen=True, slots=True)
class Figure:
    """What an arm does with so many callers, beside raw PostgreSQL in the same run."""

    arm: str
    callers: int
    ops_per_s: float
    raw_ops_per_s: float | None
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    note: str = ""
    growth: float | None = None
    """The time an operation takes in large books, divided by what it takes in new ones."""

    @property
    def ratio(self) -> float | None:
        """Ours divided by raw."""
        return self.ops_per_s / self.raw_ops_per_s if self.raw_ops_per_s else None

    def plain(self) -> dict[str, Any]:
        """Return the figure as JSON carries it."""
        rounded = {
            "arm": self.arm,
            "callers": self.callers,
            "ops_per_s": round(self.ops_per_s, 1),
            "raw_ops_per_s": None if self.raw_ops_per_s is None else round(self.raw_ops_per_s, 1),
            "ratio": None if self.ratio is None else round(self.ratio, 3),
            "p50_ms": _round(self.p50_ms),
            "p95_ms": _round(self.p95_ms),
            "p99_ms": _round(self.p99_ms),
        }
        if self.growth is not None:
            rounded["growth"] = round(self.growth, 3)
        return rounded | ({"note": self.note} if self.note else {})

    def grown_from(self, small: "Figure") -> "Figure":
        """Return this figure with what an operation takes now, divided by what it took there."""
        growth = small.ops_per_s / self.ops_per_s
        return replace(self, growth=growth, note=f"{self.note}; large ÷ new {growth:.2f}")

    def row(self) -> list[str]:
        """Return the figure as cells of a table."""
        plain = self.plain()
        names = ("arm", "callers", "ops_per_s", "raw_ops_per_s", "ratio", "p50_ms", "p95_ms", "p99_ms", "note")
        return ["" if plain.get(name) is None else str(plain[name]) for name in names]

    def line(self) -> str:
        """Return the figure as a line of progress."""
        return "  ".join(cell for cell in self.row() if cell)


def figure(arm: str, callers: int, ours: Sequence[Run], raw: Sequence[Run], note: str = "") -> Figure:
    """Return the medians over the rounds; waits are of all rounds together."""
    waits = sorted(wait for run in ours for wait in run.waits)
    return Figure(
        arm,
        callers,
        statistics.median(run.rate for run in ours),
        statistics.median(run.rate for run in raw) if raw else None,
        _percentile(waits, 0.50),
        _percentile(waits, 0.95),
        _percentile(waits, 0.99),
        note,
    )


def alternate(plan: Plan, raw: Callable[[float], Run], ours: Callable[[float], Run]) -> tuple[list[Run], list[Run]]:
    """Run both sides in turn, raw first in one round and last in the next, after a short warm-up of each."""
    raw(min(0.5, plan.seconds))
    ours(min(1.0, plan.seconds))
    runs: tuple[list[Run], list[Run]] = ([], [])
    for number in range(plan.rounds):
        for side in (0, 1) if number % 2 == 0 else (1, 0):
            runs[side].append((raw, ours)[side](plan.seconds))
    return runs[1], runs[0]


def _percentile(ordered: Sequence[float], share: float) -> float | None:
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] * 1000 if ordered else None


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
