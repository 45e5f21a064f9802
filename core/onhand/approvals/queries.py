"""What pages and clients read. Each query filters by entity and place itself; the wall between entities is second."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, exists, false, func, literal, literal_column, or_, select
from sqlalchemy.orm import Session

from onhand.access.models import User
from onhand.addons.models import Entity
from onhand.approvals.models import Approval, ApprovalActivity
from onhand.approvals.services.people import Authority, authorities
from onhand.contributions import ApprovalKind
from onhand.db import cursor, int_array

__all__ = [
    "COUNT_MAX", "ORDERS", "Filter", "Reader", "activity_of", "count", "listed", "locations", "one", "reader_of", "some",
    "waiting_count",
]  # fmt: skip

COUNT_MAX = 100
Tab = Literal["waiting", "mine", "pending", "decided"]
A = Approval
# What a query and a partial index must spell alike: a bound parameter would not be known to match.
IS_PENDING = A.status == literal_column("'pending'")
IS_SETTLED = A.status != literal_column("'pending'")
# From one code to the next through the index: there are hundreds of locations, and perhaps 100,000 approvals.
LOCATIONS = """
/* approvals.locations */ WITH RECURSIVE code(location) AS (
  SELECT min(location) FROM onhand.approval WHERE entity_id = %(entity_id)s AND status = 'pending'
  UNION ALL
  SELECT (SELECT min(a.location) FROM onhand.approval AS a
          WHERE a.entity_id = %(entity_id)s AND a.status = 'pending' AND a.location > code.location)
  FROM code WHERE code.location IS NOT NULL
)
SELECT location FROM code WHERE location IS NOT NULL
"""
LOCATIONS_AMONG = """
/* approvals.locations_among */ SELECT found.location FROM unnest(%(places)s::int[]) AS place (id), LATERAL (
  SELECT a.location FROM onhand.approval AS a
  WHERE a.entity_id = %(entity_id)s AND a.location_id = place.id AND a.status = 'pending' AND a.location IS NOT NULL LIMIT 1
) AS found
"""


@dataclass(frozen=True, slots=True)
class Reader:
    """Who looks: the entities and locations they may see (None: all of an entity's), and what they may decide."""

    places: Mapping[int, frozenset[int] | None]
    sees_group: bool = False
    person: int | None = None
    powers: list[Authority] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Filter:
    """What is wanted of a list; None means it does not matter."""

    tab: Tab = "waiting"
    status: str | None = None
    kind: str | None = None
    entity: str | None = None
    location: str | None = None


ORDERS: dict[Tab, tuple[ColumnElement[Any], ...]] = {
    "waiting": (A.asked_at.asc(), A.id.asc()),
    "pending": (A.asked_at.asc(), A.id.asc()),
    "mine": (A.asked_at.desc(), A.id.desc()),
    "decided": (A.asked_at.desc(), A.id.desc()),
}


def reader_of(
    session: Session,
    places: Mapping[int, frozenset[int] | None],
    *,
    sees_group: bool,
    person: int | None,
    now: datetime,
) -> Reader:
    """Return who looks, with what they may decide now."""
    powers = authorities(session, person, now=now) if person is not None else []
    return Reader(places, sees_group, person, powers)


def listed(reader: Reader, wanted: Filter, kinds: Mapping[str, ApprovalKind]) -> Select[Any]:
    """Return the list's rows: what waits oldest first, all else latest first."""
    return _rows().where(*_conditions(reader, wanted, kinds)).order_by(*ORDERS[wanted.tab])


def one(session: Session, reader: Reader, approval_id: UUID) -> Any | None:
    """Return an approval as the list shows it; None for one that is not there or out of reach."""
    return session.execute(_rows().where(A.id == approval_id, visible(reader))).one_or_none()


def some(session: Session, reader: Reader, ids: Iterable[UUID]) -> dict[UUID, Any]:
    """Return those of the approvals that are within reach."""
    return {row.id: row for row in session.execute(_rows().where(A.id.in_(set(ids)), visible(reader)))}


def count(session: Session, reader: Reader, wanted: Filter, kinds: Mapping[str, ApprovalKind]) -> int:
    """Return how many there are, up to `COUNT_MAX`."""
    inner = select(literal(1)).select_from(A).where(*_conditions(reader, wanted, kinds))
    return session.scalar(select(func.count()).select_from(inner.limit(COUNT_MAX).subquery())) or 0


def waiting_count(session: Session, reader: Reader, kinds: Mapping[str, ApprovalKind]) -> int:
    """Return how many wait for this person, up to `COUNT_MAX`."""
    return count(session, reader, Filter("waiting"), kinds) if reader.powers else 0


def locations(session: Session, reader: Reader) -> list[str]:
    """Return the codes of locations for which something waits."""
    codes: set[str] = set()
    for entity_id, places in reader.places.items():
        if places is None:
            rows = cursor(session).execute(LOCATIONS, {"entity_id": entity_id})
        else:
            rows = cursor(session).execute(LOCATIONS_AMONG, {"entity_id": entity_id, "places": int_array(places)})
        codes.update(row[0] for row in rows)
    return sorted(codes)


def activity_of(session: Session, approval_id: UUID) -> Sequence[Any]:
    """Return what was done to an approval, in order, with the name of whose authority was used where it was another's."""
    a = ApprovalActivity
    query = (
        select(
            a.verb,
            a.version,
            a.tier,
            a.role,
            a.actor,
            a.actor_name,
            a.note,
            a.recorded_at,
            User.name.label("instead_of"),
        )
        .join(User, User.id == a.for_user_id, isouter=True)
        .where(a.approval_id == approval_id)
    )
    return session.execute(query.order_by(a.id)).all()


def visible(reader: Reader) -> ColumnElement[bool]:
    """Return what somebody may see: what concerns their places, the group where they may, and what they asked for."""
    return or_(_within(reader, with_group=reader.sees_group), _own(reader))


def _within(reader: Reader, *, with_group: bool) -> ColumnElement[bool]:
    """Return what concerns somebody's places; one condition where that will do, since it is what leads to an index."""
    whole = [entity_id for entity_id, places in reader.places.items() if places is None]
    seen: list[ColumnElement[bool]] = (
        [A.entity_id == whole[0] if len(whole) == 1 else A.entity_id.in_(whole)] if whole else []
    )
    for entity_id, places in reader.places.items():
        if places is not None:
            here = A.location_id == min(places) if len(places) == 1 else A.location_id.in_(places)
            seen.append(and_(A.entity_id == entity_id, here))
    if with_group:
        seen.append(A.entity_id.is_(None))
    return or_(*seen) if seen else false()


def _own(reader: Reader) -> ColumnElement[bool]:
    """Return what somebody asked for, in the entities at hand and in the group."""
    if reader.person is None:
        return false()
    here = or_(A.entity_id.in_(list(reader.places)), A.entity_id.is_(None))
    return and_(A.requester_user_id == reader.person, here)


def waits_for(reader: Reader, kinds: Mapping[str, ApprovalKind]) -> ColumnElement[bool]:
    """Return the condition that somebody's consent would count: the verb's own rules, as one WHERE."""
    turns: list[ColumnElement[bool]] = []
    for power in reader.powers:
        for held in power.held:
            able = [
                name
                for name, kind in kinds.items()
                if (power.kinds is None or name in power.kinds)
                and power.permitted(kind.permission, held.entity_id, held.location_id)
            ]
            if able:
                turns.append(
                    and_(
                        A.waiting_role == held.role,
                        A.kind.in_(able),
                        A.requester_user_id.is_distinct_from(power.user_id),
                        literal(True) if held.entity_id is None else A.entity_id == held.entity_id,
                        literal(True) if held.location_id is None else A.location_id == held.location_id,
                        ~_agreed(power.user_id),
                    )
                )
    if reader.person is None or not turns:
        return false()
    roles = sorted({held.role for power in reader.powers for held in power.held})
    return and_(
        A.waiting_role == roles[0] if len(roles) == 1 else A.waiting_role.in_(roles),
        A.requester_user_id.is_distinct_from(reader.person),
        or_(*turns),
        ~_agreed(reader.person),
    )


def _agreed(person: int) -> ColumnElement[bool]:
    a = ApprovalActivity
    return exists().where(
        a.approval_id == A.id, a.version == A.version, a.verb == "approved",
        or_(a.user_id == person, a.for_user_id == person),
    )  # fmt: skip


def _rows() -> Select[Any]:
    return select(*A.__table__.columns, Entity.code.label("entity")).join(
        Entity, Entity.id == A.entity_id, isouter=True
    )


def _conditions(reader: Reader, wanted: Filter, kinds: Mapping[str, ApprovalKind]) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    # What is of the group has no location: where one is asked for, leaving it out leaves one condition to be led by.
    within = _within(reader, with_group=reader.sees_group and not wanted.location)
    match wanted.tab:
        case "waiting":
            conditions += [within, IS_PENDING, waits_for(reader, kinds)]
        case "pending":
            conditions += [within, IS_PENDING]
        case "mine":
            conditions.append(_own(reader))
        case "decided":
            conditions += [within, IS_SETTLED]
    if wanted.status:
        conditions.append(A.status == wanted.status)
    if wanted.kind:
        conditions.append(A.kind == wanted.kind)
    if wanted.entity:
        conditions.append(A.entity_id.in_(select(Entity.id).where(Entity.code == wanted.entity)))
    if wanted.location:
        conditions.append(A.location == wanted.location)
    return conditions
