"""Factories for tests, of this add-on and of those that build on it: real entries, posted by the real verb."""

from collections.abc import Mapping
from datetime import datetime
from itertools import count

from onhand.actors import Actor
from onhand.ids import uuid7
from onhand.testing.samples import Place, Sample
from onhand_master_data.testing import make_item
from sqlalchemy.orm import Session

from onhand_stock.movements import Accepted, Group, Move, Refused
from onhand_stock.naming import movement_name
from onhand_stock.queries import balances
from onhand_stock.services import Adjust, Finding, adjust, post, verify
from onhand_stock.states import STATES

__all__ = ["TESTER", "differences", "receive", "samples", "sell", "states_of", "take_back"]

TESTER = Actor.system("test")
_numbers = count(1)


def receive(
    session: Session,
    now: datetime,
    entity_id: int,
    location_id: int,
    units: Mapping[int, int],
    *,
    state: str = "available",
    occurred_at: datetime | None = None,
    document: str | None = None,
) -> Accepted:
    """Receive units by item id from the supplier into a location: on the shelf, or `state="receiving"` at the door."""
    moves = tuple(
        Move("receipt", entity_id, item_id, quantity, (("supplier", None),), state, None, location_id)
        for item_id, quantity in units.items()
    )
    return _post(session, now, moves, "receipt", occurred_at, document)


def sell(
    session: Session,
    now: datetime,
    entity_id: int,
    location_id: int,
    units: Mapping[int, int],
    *,
    occurred_at: datetime | None = None,
    document: str | None = None,
) -> Accepted:
    """Sell units by item id from the shelf of a location; what the book does not have becomes shortage."""
    moves = tuple(
        Move("sale", entity_id, item_id, quantity, (("available", None),), "customer", location_id)
        for item_id, quantity in units.items()
    )
    return _post(session, now, moves, "sale", occurred_at, document)


def take_back(
    session: Session,
    now: datetime,
    entity_id: int,
    location_id: int,
    units: Mapping[int, int],
    *,
    occurred_at: datetime | None = None,
    document: str | None = None,
) -> Accepted:
    """Take units by item id back from customers; they are `customer_returned` until somebody looks at them."""
    moves = tuple(
        Move("return_receipt", entity_id, item_id, quantity, (("customer", None),), "customer_returned",
             None, location_id)
        for item_id, quantity in units.items()
    )  # fmt: skip
    return _post(session, now, moves, "return", occurred_at, document)


def states_of(session: Session, entity_id: int, location_id: int, item_id: int) -> dict[str, int]:
    """Return an item's units per state at a location, without the states that have none."""
    found = balances(session, [entity_id], item_ids=[item_id], location_ids=[location_id])
    return {state: found[0].states[state] for state in STATES if found[0].states[state]} if found else {}


def differences(session: Session, now: datetime) -> list[Finding]:
    """Check every invariant of every installed add-on and return those that do not hold: assert that it is empty.

    Run it over all entities: an entity out of scope looks empty, on both sides.
    """
    return [finding for finding in verify(session, now=now) if finding.differences]


def samples(session: Session, now: datetime, place: Place) -> dict[str, Sample]:
    """The entry by which units of the place's item came to its location, one adjusted away; of another one is short."""
    location, item = place.things["location"], place.things["item"]
    entry = receive(session, now, place.entity.id, location.id, {item.id: 9}).entries[0]
    missing = make_item(session, now, place.entity.id, name=place.text)
    sell(session, now, place.entity.id, location.id, {missing.id: 1})  # opens a shortage
    name = Sample(movement_name(now, entry.id), at_location=True)
    lost = Adjust(
        uuid7(), place.entity.id, item.id, location.id, "available", 9, -1, "theft", place.text, is_trusted=True
    )
    adjust(session, [lost], by=TESTER, now=now, source="test")
    adjustment = Sample(str(lost.id), at_location=True)
    return {"movements/name": name, "entries/name": name, "adjustments/adjustment_id": adjustment}


def _post(
    session: Session,
    now: datetime,
    moves: tuple[Move, ...],
    noun: str,
    occurred_at: datetime | None,
    document: str | None,
) -> Accepted:
    trigger = document or f"{noun}:{next(_numbers)}"
    group = Group(trigger, moves, trigger, occurred_at or now, "test")
    [result] = post(session, [group], by=TESTER, now=now)
    if isinstance(result, Refused):
        raise TypeError(f"{trigger}: a fact was refused: {result}")
    return result
