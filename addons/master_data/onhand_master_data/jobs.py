"""What master data does by the clock: changes whose day has come."""

from collections.abc import Sequence
from datetime import datetime

from onhand.actors import Actor
from onhand.jobs import actor
from onhand.transaction import run
from sqlalchemy.orm import Session

from onhand_master_data.services import apply_due, is_stale, measure

__all__ = ["apply_changes", "measure_quality"]

SCHEDULE = Actor.system("master-data-schedule")


@actor(queue="master_data", attempts=3)
def apply_changes(entities: Sequence[int]) -> None:
    """Carry out what was agreed for a day that has come, each by itself. Twice is harmless: what is applied is not due."""
    while run(lambda session, now: apply_due(session, by=SCHEDULE, now=now), entities=entities):
        pass


@actor(queue="master_data", attempts=2)
def measure_quality(entities: Sequence[int]) -> None:
    """Measure each entity whose master data changed since. Twice is harmless: what stands still is not measured again."""
    for entity_id in entities:

        def command(session: Session, now: datetime, entity_id: int = entity_id) -> None:
            if is_stale(session, entity_id):
                measure(session, entity_id, now=now)

        run(command, entities=[entity_id])
