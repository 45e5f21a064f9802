"""What reservations do by the clock, and after what others tell."""

from collections.abc import Sequence

from onhand.actors import Actor
from onhand.jobs import actor
from onhand.transaction import run

from onhand_reservations import services

__all__ = ["expire_step", "tell_overdue"]

EXPIRY = Actor.system("expiry")


def expire_step(entities: Sequence[int]) -> int:
    """Release one batch of holds whose time is up, and return how many. Twice is harmless: a released hold is not due."""
    return run(lambda session, now: services.expire_due(session, by=EXPIRY, now=now), entities=entities)


@actor(queue="reservations", attempts=3)
def tell_overdue(entities: Sequence[int]) -> None:
    """Tell confirmed holds that nobody fulfils in time. Twice is harmless: each is told once."""
    run(lambda session, now: services.tell_overdue(session, entities, now=now), entities=entities)
