from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LightSwitched:
    entity_id: int
    name: str
