from collections.abc import Sequence

from onhand.jobs import actor
from onhand.transaction import run

from onhand_probe import traces


@actor(attempts=3)
def note(entities: Sequence[int], *, number: int = 0, mood: str = "good") -> None:
    """Leave a trace in each entity, after suffering. Twice leaves two: the tests count them."""

    def command(session, now):
        for entity_id in entities:
            traces.leave(session, entity_id, "note", number)
        traces.suffer(mood)

    run(command, entities=entities)


@actor(queue="elsewhere", attempts=2)
def stall(entities: Sequence[int], *, mood: str) -> None:
    """Suffer outside any transaction."""
    traces.suffer(mood)
