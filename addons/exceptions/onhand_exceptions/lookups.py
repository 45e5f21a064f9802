"""What the desk's pages read beside the list: entities, people, acts and their outcomes, views that people keep."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from onhand.access.models import User
from onhand.addons.models import Entity
from sqlalchemy import ColumnElement, exists, func, or_, select, true
from sqlalchemy.orm import Session

from onhand_exceptions.filtering import Vocabulary
from onhand_exceptions.models import Act, ActRow, Delivery, Digest, Exception_, OwnerRules, View
from onhand_exceptions.queries import IS_OPEN, Reach, visible, words_of

__all__ = [
    "ActSeen",
    "act_of",
    "act_within",
    "deliveries_of",
    "entities_of",
    "name_of",
    "own_act",
    "place_of",
    "rules_history",
    "user_id_of",
    "views_of",
    "vocabulary",
    "within",
]

DELIVERIES_MAX = 10


@dataclass(frozen=True, slots=True)
class ActSeen:
    """An act: its rows as (exception's id, title, refusal, refusal of its undoing)."""

    id: UUID
    verb: str
    recorded_at: datetime
    undo_until: datetime
    undone_at: datetime | None
    rows: list[Any]


def entities_of(session: Session, ids: Collection[int]) -> list[Any]:
    """Return entities (id, code, currency, time_zone) in the order of their ids."""
    query = select(Entity.id, Entity.code, Entity.currency, Entity.time_zone).where(Entity.id.in_(ids))
    return list(session.execute(query.order_by(Entity.id)))


def user_id_of(session: Session, username: str) -> int | None:
    """Return the user of a user name."""
    return session.scalar(select(User.id).where(User.username == username))


def vocabulary(
    session: Session, kinds: Collection[str], entities: Collection[str], me: int | None
) -> Vocabulary:  # fmt: skip
    """Return the words that a filter of somebody's may have: beside these, people and words as the database knows them."""
    return Vocabulary(kinds, entities, me, partial(user_id_of, session), partial(words_of, session))


def digests_of(session: Session, entity_id: int) -> list[Any]:
    """Return the digests of an entity that have not ended, by name."""
    d = Digest
    failing = exists().where(Delivery.digest_id == d.id, Delivery.given_up_at.is_not(None)).label("failing")
    query = select(d.id, d.name, d.query, d.per, d.address, d.days, d.hour, d.last_day, d.user_id, failing)
    return list(session.execute(query.where(d.entity_id == entity_id, d.ended_at.is_(None)).order_by(d.name)))


def deliveries_of(session: Session, digest_id: int) -> list[Any]:
    """Return the last deliveries of a digest's webhook, the newest first."""
    v = Delivery
    query = select(v.id, v.day, v.recorded_at, v.attempts, v.error, v.delivered_at, v.given_up_at)
    return list(session.execute(query.where(v.digest_id == digest_id).order_by(v.day.desc()).limit(DELIVERIES_MAX)))


def name_of(session: Session, user_id: int | None) -> str | None:
    """Return a person's name."""
    return None if user_id is None else session.scalar(select(User.name).where(User.id == user_id))


def place_of(session: Session, entity_id: int, sku: str, location: str) -> tuple[int | None, int | None]:
    """Return the item and location that exceptions here name so, newest first; None for what none has named yet."""
    e = Exception_
    item = select(e.item_id).where(e.entity_id == entity_id, e.sku == sku, e.item_id.is_not(None)).limit(1)
    place = select(e.location_id).where(
        e.entity_id == entity_id, e.location == location, e.location_id.is_not(None), IS_OPEN
    )
    return (session.scalar(item) if sku else None), (session.scalar(place.limit(1)) if location else None)


def rules_history(session: Session, entity_id: int) -> list[Any]:
    """Return the last versions of the ownership rules, the newest first."""
    lines = func.cardinality(func.string_to_array(func.btrim(OwnerRules.text, "\n"), "\n")).label("lines")
    query = select(OwnerRules.recorded_at, OwnerRules.actor_name, lines).where(OwnerRules.entity_id == entity_id)
    return list(session.execute(query.order_by(OwnerRules.id.desc()).limit(10)))


def act_of(session: Session, act_id: UUID, actor: str) -> ActSeen | None:
    """Return an act of an actor's own, with the outcome for each exception in the order asked."""
    found = session.get(Act, act_id)
    return None if found is None or found.actor != actor else _seen(session, found, true())


def act_within(session: Session, act_id: UUID, reach: Reach) -> ActSeen | None:
    """Return anybody's act, with the outcomes for the exceptions within reach; None where none of them is."""
    found = session.get(Act, act_id, populate_existing=True)
    seen = None if found is None else _seen(session, found, visible(reach))
    return seen if seen and seen.rows else None


def _seen(session: Session, found: Act, which: ColumnElement[bool]) -> ActSeen:
    query = select(ActRow.exception_id, Exception_.title, ActRow.refusal, ActRow.undo_refusal)
    query = query.join(Exception_, Exception_.id == ActRow.exception_id).where(ActRow.act_id == found.id, which)
    rows = list(session.execute(query.order_by(ActRow.ordinal)))
    return ActSeen(found.id, found.verb, found.recorded_at, found.undo_until, found.undone_at, rows)


def own_act(session: Session, text: str, actor: str) -> ActSeen | None:
    """Return the act that an address names, if it is one of the actor's own."""
    try:
        return act_of(session, UUID(text[:40]), actor)
    except ValueError:
        return None


def views_of(session: Session, entity_id: int, user_id: int | None) -> list[Any]:
    """Return the views somebody may choose from: their own, and those that others share, by name."""
    query = select(View.id, View.name, View.tab, View.query, View.shared, View.user_id, User.name.label("owner"))
    query = query.join(User, User.id == View.user_id).where(View.entity_id == entity_id)
    query = query.where(or_(View.shared, View.user_id == (user_id or -1)))
    return list(session.execute(query.order_by(View.shared, View.name, View.id)))


def within(session: Session, reach: Reach, ids: Collection[UUID]) -> dict[UUID, int]:
    """Return those of some exceptions that are within reach, each with its entity."""
    query = select(Exception_.id, Exception_.entity_id).where(Exception_.id.in_(ids), visible(reach))
    return {row.id: row.entity_id for row in session.execute(query)}
