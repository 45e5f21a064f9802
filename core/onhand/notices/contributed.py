"""What notices contribute to the core's own plugin."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from flask import Blueprint
from sqlalchemy.orm import Session

from onhand.access import Principal
from onhand.contributions import MenuItem, Permission, Schedule
from onhand.jobs import JobActor, actor
from onhand.notices import services, views
from onhand.transaction import run

__all__ = ["ACTORS", "BLUEPRINTS", "MENU", "PERMISSIONS", "SCHEDULES"]

KEPT = timedelta(days=90)
FORGET_BATCH = 1_000


def unread(session: Session, known: Principal, entity_id: int, now: datetime) -> int:
    """Return how many notices who looks has not seen."""
    del now
    me = known.actor.person_id
    return services.unread_count(session, me, entity_id) if me is not None else 0


@actor(attempts=3)
def forget_notices(entities: Sequence[int]) -> None:
    """Drop notices seen more than 90 days ago. Twice is harmless: what is dropped is gone."""

    def command(session: Session, now: datetime) -> int:
        return services.forget(session, before=now - KEPT, limit=FORGET_BATCH)

    while run(command, entities=entities) == FORGET_BATCH:
        pass


BLUEPRINTS: list[Blueprint] = [views.notices]
MENU = [MenuItem("Notices", "notices.mine", "bell", "notices.read", order=13, count=unread)]
PERMISSIONS = [Permission("notices.read", "See one's own notices")]
ACTORS: list[JobActor[...]] = [forget_notices]
SCHEDULES = [Schedule("onhand.forget_notices", forget_notices, every=timedelta(days=1))]
