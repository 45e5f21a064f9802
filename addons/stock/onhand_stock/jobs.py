"""What the ledger does by the clock: make partitions ahead, and verify the books."""

from collections.abc import Sequence

from onhand.db import cursor
from onhand.jobs import actor
from onhand.transaction import every_entity, run

from onhand_stock.services import verify

__all__ = ["make_partitions", "verify_books"]

MONTHS_AHEAD = 3


@actor(queue="stock", attempts=3)
def make_partitions(entities: Sequence[int]) -> None:
    """Make the ledger's partitions of the coming months. Twice is harmless: a partition that exists stays."""
    run(
        lambda session, _: cursor(session).execute("SELECT stock.make_partitions(%s)", (MONTHS_AHEAD,)),
        entities=entities,
    )


@actor(queue="stock", attempts=2)
def verify_books(entities: Sequence[int]) -> None:  # noqa: ARG001 - the books are verified over all entities
    """Check every invariant and keep the outcome. Twice is harmless: it is one more outcome."""
    run(lambda session, now: verify(session, now=now), entities=every_entity())
