"""What a hold must be, as its client reckons from the answers: the simulation that the database is held to."""

from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

__all__ = ["Final", "Line", "Promise"]


@dataclass(frozen=True, slots=True)
class Final:
    """What must be found in the end: a status, and per line (fulfilled, released, lapsed)."""

    status: str
    lines: tuple[tuple[int, int, int], ...]


@dataclass(slots=True)
class Line:
    """Units of one item promised at one location. `shipped`: those of `fulfilled` that an event took."""

    sku: str
    location: str
    quantity: int
    fulfilled: int = 0
    released: int = 0
    shipped: int = 0

    @property
    def open(self) -> int:
        """Units whose promise has not ended."""
        return self.quantity - self.fulfilled - self.released


@dataclass(eq=False, slots=True)
class Promise:
    """A hold that was acknowledged, through all that was acknowledged of it since.

    `alternatives` are what it may be as well, because a client that asked never learned the answer.
    """

    id: str
    reference: str
    lines: list[Line]
    expires_at: datetime
    status: str = "held"
    replaces: str | None = None
    alternatives: list["Promise"] = field(default_factory=list)

    @classmethod
    def of(cls, answer: dict[str, Any]) -> Self:
        """Read it off the answer that made it."""
        lines = [Line(one["sku"], one["location"], one["quantity"]) for one in answer["lines"]]
        expires_at = datetime.fromisoformat(answer["expires_at"])
        return cls(answer["id"], answer["reference"], lines, expires_at, replaces=answer.get("replaces"))

    def confirm(self) -> None:
        """It no longer expires."""
        self.status = "confirmed"

    def release(self, parts: dict[int, int]) -> None:
        """Let go of units, by line number."""
        for number, units in parts.items():
            self.lines[number - 1].released += units
        self._settle()

    def fulfil(self, parts: dict[int, int]) -> None:
        """Hand over units, by line number."""
        for number, units in parts.items():
            self.lines[number - 1].fulfilled += units
        self._settle()

    def cancel(self) -> None:
        """The channel cancelled the whole order: what is still open is let go."""
        self.release(self.open)

    def ship(self, location: str) -> None:
        """An event shipped the order's lines at a location; it draws on what is still promised of them."""
        for line in self.lines:
            if line.location == location:
                line.shipped += line.open
                line.fulfilled += line.open
        self._settle()

    def lapse(self) -> None:
        """Its time is up, as the answer to an extension said."""
        self.status = "expired"

    def maybe(self) -> "Promise":
        """Return a copy to apply a request to whose answer nobody waited for."""
        other = deepcopy(self)
        other.alternatives = []
        self.alternatives.append(other)
        return other

    @property
    def open(self) -> dict[int, int]:
        """Units whose promise has not ended, by line number."""
        return {number: line.open for number, line in enumerate(self.lines, 1) if line.open}

    @property
    def is_open(self) -> bool:
        """Whether it still promises anything."""
        return self.status in {"held", "confirmed"}

    def may_be_refused(self, now: datetime) -> bool:
        """Whether its time may be up."""
        return self.status == "held" and self.expires_at <= now

    def final(self, now: datetime) -> Final:
        """Return what must be found once everything due has been done."""
        is_over = self.status == "expired" or (self.status == "held" and self.expires_at <= now)
        lapsed = [line.open if is_over else 0 for line in self.lines]
        lines = tuple(
            (line.fulfilled, line.released + late, late) for line, late in zip(self.lines, lapsed, strict=True)
        )
        return Final("expired" if is_over else self.status, lines)

    def differs(self, answer: dict[str, Any]) -> bool:
        """Whether an answer about it says anything else."""
        said = [(one["fulfilled"], one["released"]) for one in answer["lines"]]
        ours = [(line.fulfilled, line.released) for line in self.lines]
        return bool(answer["id"] != self.id or answer["status"] != self.status or said != ours)

    def _settle(self) -> None:
        if not self.open:
            self.status = "fulfilled" if any(line.fulfilled for line in self.lines) else "released"
