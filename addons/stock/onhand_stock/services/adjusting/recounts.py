"""The verb that answers a request to count again: what was found takes the place of what was asked for."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct
from onhand.access import actor_names
from onhand.actors import Actor
from onhand.db import cursor
from sqlalchemy import select
from sqlalchemy.orm import Session

from onhand_stock.models import Adjustment
from onhand_stock.queries import balances
from onhand_stock.services.adjusting.asks import Adjusted, NotAdjusted
from onhand_stock.services.adjusting.verb import adjusted, send_on
from onhand_stock.services.adjusting.weighing import places_of, route, values_of

__all__ = ["Recount", "recount"]

POSITION = """
/* recount.position */ SELECT coalesce(max(id), 0) FROM stock.movement
WHERE item_id = %s AND (from_location_id = %s OR to_location_id = %s)
"""
COUNTED_MAX = 2_000_000_000


class Recount(Struct, frozen=True):
    """What was found in all at the location, whatever its state, when a request asked to count again."""

    id: UUID
    counted: int


def recount(session: Session, recounts: Sequence[Recount], *, by: Actor, now: datetime) -> list[Adjusted | NotAdjusted]:
    """Take what was counted for what is there, each request for itself, and send it on its way again.

    The difference to the book at this moment replaces what was asked for; entries that come later stand. A count that
    agrees with the book ends the request. Nothing is posted that policy, or others, do not agree to.
    """
    ids = [one.id for one in recounts]
    query = select(Adjustment).where(Adjustment.id.in_(ids)).order_by(Adjustment.id).with_for_update()
    found = {row.id: row for row in session.scalars(query)}
    answers: list[Adjusted | NotAdjusted] = []
    for one in recounts:
        row = found.get(one.id)
        if row is None:
            answers.append(NotAdjusted(one.id, "unknown", "id", "there is no such request here"))
        elif row.status != "recount":
            answers.append(NotAdjusted(one.id, "settled", "id", f"it is {row.status} already: nobody need count"))
        elif not 0 <= one.counted <= COUNTED_MAX:
            answers.append(NotAdjusted(one.id, "invalid", "counted", f"a whole number from 0 to {COUNTED_MAX}"))
        else:
            answers.append(_counted(session, row, one.counted, by=by, now=now))
    session.flush()
    return answers


def _counted(session: Session, row: Adjustment, counted: int, *, by: Actor, now: datetime) -> Adjusted | NotAdjusted:
    # The position first: what is posted between the two reads is later than the count, and must not be in the book.
    place = (row.item_id, row.location_id, row.location_id)
    position = cursor(session).execute(POSITION, place).fetchone()
    here = balances(session, [row.entity_id], item_ids=[row.item_id], location_ids=[row.location_id])
    row.counted, row.recounted_at, row.recounted_by = counted, now, by.name
    row.position = position[0] if position else 0
    row.delta = counted - (here[0].on_hand if here else 0)
    where = places_of(session, [(row.entity_id, row.item_id, row.location_id)])
    row.seen = here[0].states[row.state] if here else 0
    [row.value_minor] = values_of(session, [row.delta], where, now)
    if not row.delta:
        row.status, row.outcome = "dropped", "counted again, and the book was right"
        return adjusted(row)
    [way] = route(session, [row], where, now)
    row.status = "waiting"
    [answer] = send_on(session, [(row, way)], by=_requester(session, row), now=now)
    return answer


def _requester(session: Session, row: Adjustment) -> Actor:
    """Return who asked first: whoever counts again does not become the one whose request it is."""
    kind, _, number = row.actor.partition(":")
    name = actor_names(session, [row.actor]).get(row.actor, row.actor)
    if kind == "user":
        return Actor("user", int(number), name)
    if kind == "token":
        person = row.requester.removeprefix("user:")
        return Actor("token", int(number), name, int(person) if person.isdecimal() else None)
    return Actor.system(number)
