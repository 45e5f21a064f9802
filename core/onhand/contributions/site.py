"""The site: what is done by the clock, where it appears, what holds it back."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from cronsim import CronSim, CronSimError
from sqlalchemy.orm import Session

if TYPE_CHECKING:
    from onhand.access import Principal
    from onhand.jobs import JobActor

__all__ = ["Loop", "MenuItem", "Obligation", "ReferenceRows", "Schedule", "Tile"]

SOME_TIME = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Schedule:
    """A job that falls due again and again: either `every` so long, or by a `cron` line in UTC."""

    name: str
    actor: "JobActor[...]"
    every: timedelta | None = None
    cron: str | None = None

    def faults(self) -> Iterator[str]:
        """Yield why it would fall due never, always, or at times that nobody can tell."""
        if (self.every is None) == (self.cron is None):
            yield f"{self.name} needs either every or cron"
        if self.every is not None and self.every.total_seconds() < 1:
            yield f"{self.name} falls due every {self.every.total_seconds()} s; a loop is for what never rests"
        if self.cron is not None:
            try:
                CronSim(self.cron, SOME_TIME)
            except CronSimError as error:
                yield f"{self.name}: {self.cron!r} is no cron line ({error})"


@dataclass(frozen=True, slots=True)
class Loop:
    """Work that the scheduler repeats for as long as it leads.

    `step(entities)` does one small batch and returns how much it did; the loop rests for `idle_seconds` after a 0.
    """

    name: str
    step: Callable[[Sequence[int]], int]
    idle_seconds: float = 1.0


@dataclass(frozen=True, slots=True)
class MenuItem:
    """A line of the site's menu, shown to those who hold `permission` where the add-on is enabled.

    `count(session, known, entity_id, now)` says how many things wait behind it for who looks; it is asked on every page,
    so it must be cheap, and need not count beyond a hundred.
    """

    label: str
    endpoint: str
    icon: str
    permission: str
    order: int = 50
    count: "Callable[[Session, Principal, int, datetime], int] | None" = None


@dataclass(frozen=True, slots=True)
class Tile:
    """A figure on the home page that leads to the rows it counts."""

    title: str
    value: str
    href: str
    unit: str = ""
    tone: str = "neutral"
    hint: str = ""
    order: int = 50


@dataclass(frozen=True, slots=True)
class ReferenceRows:
    """Rows that code declares and SQL must know too: mirrored into `table` at the end of `onhand migrate`.

    Rows of the same key are brought up to date; rows no longer declared stay, since old entries may name them.
    """

    table: str
    key: tuple[str, ...]
    rows: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Obligation:
    """Something open that keeps an add-on from being switched off: how many, and where to see them."""

    kind: str
    count: int
    label: str
    href: str = field(default="")
