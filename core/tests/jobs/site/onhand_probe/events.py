from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class ThingSeen:
    entity_id: int
    number: int
    mood: str = "good"
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ThingHeard:
    entity_id: int
    number: int


@dataclass(frozen=True, slots=True)
class NobodyCares:
    entity_id: int
