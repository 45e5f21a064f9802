from collections.abc import Sequence

from onhand.jobs import actor
from onhand.transaction import run

from onhand_lamp.services import leave_trace


@actor(attempts=2)
def blink(entities: Sequence[int]) -> None:
    """Leave a trace in each entity. Twice leaves two: the tests count them."""
    run(lambda session, _: [leave_trace(session, entity_id, "blink") for entity_id in entities], entities=entities)
