"""The outbox: what happened, written with the change that made it true, handed to its observers after the commit."""

import re
from collections.abc import Iterable
from datetime import datetime
from functools import cache
from typing import Any, Protocol

import msgspec
from sqlalchemy import Identity, Index
from sqlalchemy.orm import Mapped, Session, mapped_column

from onhand.db import Base, BigInt, cursor, table
from onhand.transaction import context

__all__ = ["Event", "Outbox", "hook_of", "publish", "publish_all"]

encode = msgspec.json.Encoder().encode

WRITE = """
/* outbox.write */ INSERT INTO onhand.outbox (hook, entity_id, payload, due_at, recorded_at)
SELECT hook, entity_id, payload, %s, %s
FROM unnest(%s::text[], %s::int[], %s::jsonb[]) WITH ORDINALITY AS told(hook, entity_id, payload, position)
ORDER BY position
"""


class Event(Protocol):
    """A frozen dataclass of an `events.py`: of one entity, with fields that JSON can carry."""

    @property
    def entity_id(self) -> int:
        """The entity it happened in."""


class Outbox(Base):
    """One event that is not yet handed to its observers. Deleted in the transaction that makes their jobs."""

    __tablename__ = "outbox"
    __table_args__ = table(Index("outbox_due_at_id_idx", "due_at", "id"), schema="onhand", scope="system")
    id: Mapped[int] = mapped_column(BigInt, Identity(always=True), primary_key=True)
    hook: Mapped[str]
    entity_id: Mapped[int]
    payload: Mapped[dict[str, Any]]
    due_at: Mapped[datetime]
    recorded_at: Mapped[datetime]


def publish(session: Session, event: Event, *, at: datetime | None = None) -> None:
    """Tell an event to the add-ons that observe it, after the commit and at least once.

    Nothing is written when no add-on that is on for the event's entity observes it. With `at`, it is told then, to those
    that are on then.
    """
    publish_all(session, (event,), at=at)


def publish_all(session: Session, events: Iterable[Event], *, at: datetime | None = None) -> None:
    """Tell several events with one statement; none at all when nobody observes them."""
    transaction = context(session)
    addons, now = transaction.addons, transaction.now
    told = [
        (hook, event)
        for event in events
        if (hook := hook_of(type(event)))
        and (addons.observers(hook, event.entity_id, now) if at is None else addons.may_be_observed(hook))
    ]
    if told:
        cursor(session).execute(
            WRITE,
            (
                at or now,
                now,
                [hook for hook, _ in told],
                [event.entity_id for _, event in told],
                [encode(event).decode() for _, event in told],
            ),
        )


@cache
def hook_of(event_type: type) -> str:
    """Return the hook that observes an event: `MovementsPosted` is told to `movements_posted`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", event_type.__name__).lower()
