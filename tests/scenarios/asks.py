"""What the people of a story ask at a public door, and what they are answered."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

__all__ = [
    "Answer", "Ask", "Confirm", "Count", "Done", "Fulfil", "Granted", "Hold", "Position", "Refused", "Release", "Seen",
    "Tell", "Told",
]  # fmt: skip


@dataclass(frozen=True)
class Hold:
    """One unit wanted on-line. `lapses`: whoever asked means to let it run out, so a real clock may hurry."""

    sku: str
    reference: str
    ttl_seconds: int
    lapses: bool = False


@dataclass(frozen=True)
class Confirm:
    """The payment went through."""

    hold: Any


@dataclass(frozen=True)
class Release:
    """The unit is not wanted, or not found; `why` stays on the record."""

    hold: Any
    why: str


@dataclass(frozen=True)
class Fulfil:
    """The unit was handed over."""

    hold: Any


@dataclass(frozen=True)
class Tell:
    """Events of one channel, as CloudEvents, in the order they are sent."""

    channel: str
    events: tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class Position:
    """What was the last entry of this item that the counter's list had seen?"""

    sku: str


@dataclass(frozen=True)
class Count:
    """Units seen at the store at a moment, with the position of the list that the counter carried, or none."""

    sku: str
    counted: int
    counted_at: datetime
    position: Any


Ask = Hold | Confirm | Release | Fulfil | Tell | Position | Count


@dataclass(frozen=True)
class Granted:
    """A unit is promised until then."""

    hold: Any
    expires_at: datetime


@dataclass(frozen=True)
class Refused:
    """No, and why: `out_of_stock`, `expired`, …"""

    why: str


@dataclass(frozen=True)
class Done:
    """It was done."""


@dataclass(frozen=True)
class Told:
    """The outcome of each event, in the order sent."""

    outcomes: tuple[str, ...]


@dataclass(frozen=True)
class Seen:
    """The position asked for; None when there was no entry yet."""

    position: Any


Answer = Granted | Refused | Done | Told | Seen
