"""Taking in what webhooks tell: each becomes events, and these go through the channel's own intake."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from msgspec import Raw, Struct
from onhand.actors import Actor
from onhand.db import cursor, text_array
from onhand.events import ExceptionsRaised
from onhand.outbox import publish_all
from onhand_channels.api import ChannelRef, Delivery, Outcome, take_in
from sqlalchemy.orm import Session

from onhand_shopify import queries
from onhand_shopify.mapping import Event, events_of, ids_of
from onhand_shopify.services.parked import KIND, causes_of
from onhand_shopify.values import Parked

__all__ = ["Taken", "Waiting", "give_up", "take", "waiting", "waits_since"]

TAKE_MAX = 100
WAITING = """
/* shopify.waiting */ SELECT id, webhook_id, topic, body FROM shopify.delivery
WHERE channel_id = %(channel)s AND outcome = 'waiting'
  AND (topic <> 'inventory_levels/update' OR received_at <= %(levels)s) AND (%(ids)s::uuid[] IS NULL OR id = ANY(%(ids)s::uuid[]))
ORDER BY received_at, id LIMIT %(most)s FOR UPDATE SKIP LOCKED
"""
SETTLE = """
/* shopify.settle */ UPDATE shopify.delivery d SET outcome = k.outcome, reason = k.reason, code = k.code,
  detail = k.detail, settled_at = %s
FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::text[], %s::text[]) AS k (id, outcome, reason, code, detail)
WHERE d.id = k.id AND d.outcome = 'waiting'
"""


OLDEST = (
    "/* shopify.oldest */ SELECT min(received_at) FROM shopify.delivery WHERE channel_id = %s AND outcome = 'waiting'"
)


class Waiting(Struct, frozen=True):
    """A webhook that nobody has looked at yet, or that is to be looked at again."""

    id: UUID
    webhook_id: str
    topic: str
    body: bytes


class Taken(Struct, frozen=True):
    """What webhooks named: inventory items that nobody knows, and orders of which something was told."""

    unknown_items: list[int]
    orders: list[str]


class Settled(Struct, frozen=True):
    """What became of a webhook."""

    id: UUID
    outcome: str
    reason: str | None = None
    code: str | None = None
    detail: str | None = None


def waiting(session: Session, channel_id: int, *, levels_until: datetime) -> list[UUID]:
    """Return the webhooks of a shop that wait, oldest first, at most 100; its own numbers only those of until then."""
    arguments = {"channel": channel_id, "ids": None, "most": TAKE_MAX, "levels": levels_until}
    rows = cursor(session).execute(WAITING, arguments).fetchall()
    return [row[0] for row in rows]


def waits_since(session: Session, channel_id: int) -> datetime | None:
    """Return when the oldest of the webhooks that wait came; None where none waits."""
    row = cursor(session).execute(OLDEST, (channel_id,)).fetchone()
    return row[0] if row else None


def take(session: Session, channel: ChannelRef, ids: Sequence[UUID], *, by: Actor, now: datetime) -> Taken:
    """Tell what webhooks say through the channel's intake, and settle each.

    One that names something unknown, or cannot be read, is parked and told as an exception. What the intake itself
    parks (an unknown SKU, say) is told and replayed there. Twice is harmless: a fact has one name, however it is told.
    """
    arguments = {"channel": channel.id, "ids": list(ids), "most": TAKE_MAX, "levels": now}
    found = [
        Waiting(row[0], row[1], row[2], bytes(row[3])) for row in cursor(session).execute(WAITING, arguments).fetchall()
    ]
    named = [ids_of(one.topic, one.body) for one in found]
    items, variants = (set().union(*(pair[place] for pair in named)) for place in (0, 1))
    known = queries.known_names(session, channel.id, items, variants)
    told = [(one, events_of(one.topic, one.body, one.webhook_id, channel.code, known)) for one in found]
    events = [(one.id, event) for one, what in told if isinstance(what, list) for event in what]
    answers = _tell(session, channel, events, by, now)
    settled = [_settled(one, what, answers.get(one.id, [])) for one, what in told]
    _settle(session, channel, settled, now)
    orders = {event["data"]["order"] for _, event in events if "order" in event["data"]}
    return Taken(sorted(items - known.items.keys()), sorted(orders))


def give_up(
    session: Session, channel: ChannelRef, delivery_id: UUID, error: Exception, *, now: datetime
) -> None:  # fmt: skip
    """Park a webhook that an add-on failed on; the logs say which."""
    detail = f"{type(error).__name__} while it was posted: the worker's log says where. Mend that, then replay."
    _settle(session, channel, [Settled(delivery_id, "parked", "posting_failed", "", detail)], now)


def _tell(
    session: Session, channel: ChannelRef, events: Sequence[tuple[UUID, Event]], by: Actor, now: datetime
) -> dict[UUID, list[Outcome]]:
    if not events:
        return {}
    raws = [Raw(msgspec.json.encode(event)) for _, event in events]
    [outcomes] = take_in(session, [Delivery(channel, raws)], by=by, now=now)
    answers: dict[UUID, list[Outcome]] = {}
    for (id_, _), outcome in zip(events, outcomes, strict=True):
        answers.setdefault(id_, []).append(outcome)
    return answers


def _settled(one: Waiting, what: list[Event] | Parked | None, answers: Sequence[Outcome]) -> Settled:
    if isinstance(what, Parked):
        return Settled(one.id, "parked", what.reason, what.code, what.detail)
    if what is None:
        return Settled(one.id, "unhandled", detail="kept; nobody here understands this topic")
    if not what:
        return Settled(one.id, "nothing", detail="it moves no stock")
    refused = [answer.problem for answer in answers if answer.outcome == "refused"]
    if refused:
        said = (refused[0] or {}).get("detail", "the channel does not take it")
        return Settled(one.id, "parked", "refused", "", str(said))
    words = sorted({answer.outcome for answer in answers})
    return Settled(one.id, "taken", detail=", ".join(f"{_count(answers, word)} {word}" for word in words))


def _count(answers: Sequence[Outcome], word: str) -> int:
    return sum(answer.outcome == word for answer in answers)


def _settle(session: Session, channel: ChannelRef, settled: Sequence[Settled], now: datetime) -> None:
    if not settled:
        return
    columns = (
        [one.id for one in settled],
        text_array([one.outcome for one in settled]),
        text_array([one.reason for one in settled]),
        text_array([one.code for one in settled]),
        text_array([_storable(one.detail) for one in settled]),
    )
    cursor(session).execute(SETTLE, (now, *columns))
    keys = {(one.reason, one.code or "") for one in settled if one.outcome == "parked" and one.reason}
    causes = causes_of(session, channel.entity_id, channel.id, sorted(keys)) if keys else []
    if causes:
        publish_all(session, [ExceptionsRaised(channel.entity_id, KIND, tuple(causes))])


def _storable(text: str | None) -> str | None:
    return None if text is None else text.replace("\x00", "")[:500]
