"""What the core tells: events of the past, frozen, written to the outbox with the change that made them true."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

__all__ = ["AddonEnabled", "Cause", "ExceptionsRaised"]


@dataclass(frozen=True, slots=True)
class Cause:
    """One thing that went wrong, seen at one time.

    `key` names the cause, so that all evidence of it meets in one exception.
    """

    key: str
    entity_id: int
    item_id: int | None
    location_id: int | None
    quantity: int
    occurred_at: datetime
    title: str
    evidence: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ExceptionsRaised:
    """Evidence of one kind, for one entity."""

    entity_id: int
    kind: str
    causes: tuple[Cause, ...]


@dataclass(frozen=True, slots=True)
class AddonEnabled:
    """An add-on was switched on for an entity."""

    entity_id: int
    addon: str
