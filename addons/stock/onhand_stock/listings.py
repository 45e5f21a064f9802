"""What lists show: queries for keyset pages, narrowed by what was asked and may be seen."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, false, or_, select

from onhand_stock.models import Balance, Movement
from onhand_stock.states import STATES

__all__ = [
    "BALANCE_ORDER",
    "BalanceFilter",
    "EntryFilter",
    "Reach",
    "balances_listed",
    "entries_listed",
    "entry_order",
    "reached",
]

Reach = Mapping[int, Collection[int] | None]
"""Entity → the locations of it that may be seen; None is all of them."""

B = Balance.__table__.c
M = Movement.__table__.c
BALANCE_ORDER: Sequence[ColumnElement[Any]] = (B.item_id, B.location_id)


@dataclass(frozen=True, slots=True)
class BalanceFilter:
    """What balances are narrowed by; None means it does not matter. `state`: one that has units."""

    item_ids: Collection[int] | None = None
    location_id: int | None = None
    state: str | None = None


@dataclass(frozen=True, slots=True)
class EntryFilter:
    """What ledger entries are narrowed by; `at` and `known_at` show the ledger as it was then."""

    item_id: int | None = None
    location_id: int | None = None
    state: str | None = None
    at: datetime | None = None
    known_at: datetime | None = None


def balances_listed(wanted: BalanceFilter, within: Reach) -> Select[Any]:
    """Return balances with a column per state."""
    query: Select[Any] = select(B.item_id, B.location_id, B.entity_id, *(B[state] for state in STATES)).where(
        reached(within, B.location_id, entity=B.entity_id)
    )
    if wanted.item_ids is not None:
        query = query.where(B.item_id.in_(wanted.item_ids))
    if wanted.location_id is not None:
        query = query.where(B.location_id == wanted.location_id)
    if wanted.state is not None:
        query = query.where(B[wanted.state] > 0)
    return query


def entries_listed(wanted: EntryFilter, within: Reach) -> Select[Any]:
    """Return ledger entries with an end in reach; order them by `entry_order`."""
    ends_reached = (reached(within, end, entity=M.entity_id) for end in (M.from_location_id, M.to_location_id))
    query: Select[Any] = select(*M).where(or_(*ends_reached))
    if wanted.item_id is not None:
        query = query.where(M.item_id == wanted.item_id)
    if wanted.location_id is not None or wanted.state is not None:
        ends = ((M.from_location_id, M.from_state), (M.to_location_id, M.to_state))
        query = query.where(or_(*(_at_end(wanted, place, state) for place, state in ends)))
    if wanted.at is not None:
        query = query.where(M.occurred_at <= wanted.at)
    if wanted.known_at is not None:
        query = query.where(M.recorded_at <= wanted.known_at)
    return query


def entry_order(wanted: EntryFilter) -> tuple[ColumnElement[Any], ...]:
    """Return the order of entries, newest first, by the index that a filter has: an item's own, or the ledger's key."""
    return (M.id.desc(),) if wanted.item_id is not None else (M.recorded_at.desc(), M.id.desc())


def _at_end(wanted: EntryFilter, place: ColumnElement[Any], state: ColumnElement[Any]) -> ColumnElement[bool]:
    conditions = [place == wanted.location_id if wanted.location_id is not None else place.is_not(None)]
    if wanted.state is not None:
        conditions.append(state == wanted.state)
    return and_(*conditions)


def reached(within: Reach, place: ColumnElement[Any], *, entity: ColumnElement[Any]) -> ColumnElement[bool]:
    """Return the condition that a place is within reach."""
    whole = [entity_id for entity_id, places in within.items() if places is None]
    parts = [
        and_(entity == entity_id, place.in_(sorted(places)))
        for entity_id, places in within.items()
        if places is not None
    ]
    return or_(and_(entity.in_(whole), place.is_not(None)) if whole else false(), *parts)
