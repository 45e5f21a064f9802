"""What pages and clients read. Each query filters by entity and place itself; the wall between entities is second."""

import operator
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import product
from typing import Any
from uuid import UUID

from onhand.access.models import User
from onhand.addons.models import Entity
from onhand.db import cursor
from onhand.rest import Narrow
from sqlalchemy import (
    ColumnElement,
    DateTime,
    Select,
    Text,
    and_,
    exists,
    false,
    func,
    literal,
    literal_column,
    or_,
    select,
    type_coerce,
    union_all,
)
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.orm import Session

from onhand_exceptions.filtering import Bound, Filter
from onhand_exceptions.models import SEARCHED, Activity, Evidence, Exception_, Filed, Occurrence, Word

__all__ = [
    "COUNT_MAX",
    "IS_OPEN",
    "Digits",
    "Reach",
    "activity_of",
    "age_of",
    "conditions",
    "counts",
    "episodes_of",
    "evidence_of",
    "first",
    "listed",
    "locations_with_open",
    "occurrences_of",
    "one",
    "open_ages",
    "order",
    "words_of",
]  # fmt: skip

Reach = Mapping[int, frozenset[int] | None]
"""The entities somebody may see, and the locations of each; None is all of them, and what has no location too."""

Digits = Mapping[int, int]
"""How many digits the minor unit of each entity's currency has."""

COUNT_MAX = 1_000
PARTS_MAX = 24
"""So many pages are read for one at most: beyond, what is asked for is no longer rare."""
LAST_CHARACTER = "\U0010ffff"
WORDS = "/* exceptions.words */ SELECT left(array_to_string(parts, '-'), 80) FROM exceptions.parts_of(%s) AS parts"
OCCURRENCES_MAX = 50


# From one code to the next through the index: there are hundreds of locations, and perhaps 100,000 exceptions.
LOCATIONS = """
/* exceptions.locations */ WITH RECURSIVE code(location) AS (
  SELECT min(location) FROM exceptions.exception
  WHERE entity_id = %(entity_id)s AND status = 'open' AND (%(all)s OR location_id = ANY(%(places)s))
  UNION ALL
  SELECT (SELECT min(e.location) FROM exceptions.exception AS e
          WHERE e.entity_id = %(entity_id)s AND e.status = 'open' AND e.location > code.location
            AND (%(all)s OR e.location_id = ANY(%(places)s)))
  FROM code WHERE code.location IS NOT NULL
)
SELECT location FROM code WHERE location IS NOT NULL
"""


# What a query and a partial index must spell alike: a bound parameter would not be known to match.
IS_OPEN = Exception_.status == literal_column("'open'")
IS_RESOLVED = Exception_.status == literal_column("'resolved'")
WAITS: ColumnElement[bool] = literal_column("exceptions.exception.for_review")
RESTS = Exception_.snooze.is_not(None)
BY_SEVERITY = (Exception_.severity.desc(), Exception_.first_seen_at.asc(), Exception_.id.asc())


def listed(
    reach: Reach, wanted: Filter, now: datetime, digits: Digits | None = None, narrow: Narrow | None = None
) -> Select[Any]:
    """Return the list's rows: open ones severest and oldest first, resolved ones latest first.

    Where several kinds, locations or owners are asked for, `narrow` takes what is found for each to a page, to which an
    index leads: there is none that leads to several in order.
    """
    by, parts = order(wanted), list(_parts(reach, wanted))
    if narrow is None or not 1 < len(parts) <= PARTS_MAX or not (wanted.kinds or wanted.locations or wanted.owners):
        return _rows().where(visible(reach), *conditions(wanted, now, digits)).order_by(*by)
    found = (
        narrow(select(Exception_.id).where(visible(there), *conditions(part, now, digits)).order_by(*by)).subquery()
        for there, part in parts
    )
    return _rows().where(Exception_.id.in_(union_all(*(select(rows.c.id) for rows in found)))).order_by(*by)


def first(session: Session, reach: Reach, wanted: Filter, now: datetime, limit: int) -> list[Any]:
    """Return the first rows of a list."""
    return list(session.execute(listed(reach, wanted, now, narrow=lambda part: part.limit(limit)).limit(limit)))


def _parts(reach: Reach, wanted: Filter) -> Iterator[tuple[Reach, Filter]]:
    """Take a filter apart into such as ask for one entity, kind, location and owner; their rows are its rows."""
    for (entity_id, places), kind, location, owner in product(
        reach.items(), wanted.kinds or (None,), wanted.locations or (None,), wanted.owners or (None,)
    ):
        one = replace(
            wanted,
            kinds=() if kind is None else (kind,),
            locations=() if location is None else (location,),
            owners=() if owner is None else (owner,),
        )
        yield {entity_id: places}, one


def order(wanted: Filter) -> tuple[ColumnElement[Any], ...]:
    """Return the order of a list, as keyset pages take it."""
    if wanted.tab != "resolved":
        return BY_SEVERITY
    # What is resolved has its time: a check says so. Coerced, since a nullable column is not taken as a key.
    return (type_coerce(Exception_.resolved_at, DateTime(timezone=True)).desc(), Exception_.id.desc())


def one(session: Session, reach: Reach, exception_id: UUID) -> Any | None:
    """Return an exception as the list shows it; None for one that is not there or out of reach."""
    return session.execute(_rows().where(Exception_.id == exception_id, visible(reach))).one_or_none()


def counts(session: Session, reach: Reach, wanted: Mapping[Any, Filter], now: datetime) -> dict[str, int]:
    """Return how many there are for each of several filters, in one round trip and each up to `COUNT_MAX`.

    Nobody reads on beyond, and counting them all costs.
    """
    columns = []
    for name, narrowed in wanted.items():
        rows = select(literal(1)).select_from(Exception_).where(visible(reach), *conditions(narrowed, now))
        columns.append(select(func.count()).select_from(rows.limit(COUNT_MAX).subquery()).scalar_subquery().label(name))
    return dict(session.execute(select(*columns)).one()._mapping)


def open_ages(session: Session, reach: Reach) -> tuple[int, datetime | None]:
    """Return how many are open, and since when the oldest was seen."""
    query = select(func.count(), func.min(Exception_.first_seen_at)).where(visible(reach), Exception_.status == "open")
    row = session.execute(query).one()
    return row[0], row[1]


def locations_with_open(session: Session, reach: Reach) -> list[str]:
    """Return the codes of locations that have open exceptions."""
    codes: set[str] = set()
    for entity_id, places in reach.items():
        rows = cursor(session).execute(
            LOCATIONS, {"entity_id": entity_id, "all": places is None, "places": list(places or ())}
        )
        codes.update(row[0] for row in rows)
    return sorted(codes)


def evidence_of(session: Session, exception_id: UUID) -> list[Any]:
    """Return the evidence per kind, what leads first."""
    v = Evidence
    query = select(
        v.kind, v.holds, v.severity, v.title, v.quantity, v.count, v.first_seen_at, v.last_seen_at, v.latest
    ).where(v.exception_id == exception_id)
    return list(session.execute(query.order_by(v.holds.desc(), v.severity.desc(), v.kind)))


def occurrences_of(session: Session, exception_id: UUID, limit: int = OCCURRENCES_MAX) -> list[Any]:
    """Return what was reported, the latest to have occurred first, `limit` at most."""
    o = Occurrence
    query = select(o.kind, o.quantity, o.occurred_at, o.recorded_at, o.evidence).where(o.exception_id == exception_id)
    return list(session.execute(query.order_by(o.occurred_at.desc(), o.digest.desc()).limit(limit)))


def activity_of(session: Session, exception_id: UUID) -> list[Any]:
    """Return what happened to an exception, first things first, with the names of those it was given to."""
    a = Activity
    query = select(a.id, a.verb, a.recorded_at, a.actor, a.actor_name, a.note, a.undoes, User.name.label("person"))
    query = query.join(User, User.id == a.person_id, isouter=True)
    return list(session.execute(query.where(Activity.exception_id == exception_id).order_by(Activity.id)))


def episodes_of(session: Session, row: Any) -> list[Any]:
    """Return the other episodes of an exception's cause, the newest first."""
    query = _rows().where(
        Exception_.entity_id == row.entity_id, Exception_.cause_key == row.cause_key, Exception_.id != row.id
    )
    return list(session.execute(query.order_by(Exception_.episode.desc())))


def age_of(row: Any, now: datetime) -> timedelta:
    """Return for how long an exception has been, or had been, there."""
    seen: datetime = row.first_seen_at
    end: datetime = row.resolved_at or now
    return max(timedelta(0), end - seen)


def visible(reach: Reach) -> ColumnElement[bool]:
    """Return the condition that a row is within reach."""
    whole = [entity_id for entity_id, places in reach.items() if places is None]
    parts = [
        and_(Exception_.entity_id == entity_id, Exception_.location_id.in_(sorted(places)))
        for entity_id, places in reach.items()
        if places is not None
    ]
    return or_(Exception_.entity_id.in_(whole), *parts) if parts else Exception_.entity_id.in_(whole)


def _rows() -> Select[Any]:
    e = Exception_
    columns: list[Any] = [
        e.id, e.entity_id, Entity.code.label("entity"), e.cause_key, e.episode, e.status, e.kind, e.kinds, e.severity,
        e.title, e.item_id, e.location_id, e.sku, e.location, e.quantity, e.count, e.first_seen_at, e.last_seen_at,
        e.opened_at, e.reopened, e.owner_user_id, User.name.label("owner"), e.resolved_at, e.resolution,
        e.resolved_by, e.reason, e.state, e.for_review, e.due_at, e.amount_minor, Entity.currency, e.snooze,
        e.snooze_until, e.snooze_mark,
    ]  # fmt: skip
    query: Select[Any] = select(*columns).join(Entity, Entity.id == e.entity_id)
    return query.join(User, User.id == e.owner_user_id, isouter=True)


def conditions(wanted: Filter, now: datetime, digits: Digits | None = None) -> list[ColumnElement[bool]]:
    """Return what a filter asks of a row."""
    e = Exception_
    asked: list[ColumnElement[bool]] = _of_tab(wanted)
    if wanted.kinds:
        asked.append(_filed(wanted))
    if wanted.entities:
        asked.append(e.entity_id.in_(select(Entity.id).where(Entity.code.in_(wanted.entities))))
    if wanted.locations:
        asked.append(e.location.in_(wanted.locations))
    if wanted.items:
        asked.append(or_(*(_item(item) for item in wanted.items)))
    if wanted.states:
        asked.append(e.state.in_(wanted.states))
    if wanted.owners:
        people = [owner for owner in wanted.owners if owner]
        nobody = e.owner_user_id.is_(None)
        asked.append(or_(e.owner_user_id.in_(people), nobody) if 0 in wanted.owners else e.owner_user_id.in_(people))
    asked += [_bound(bound, now, digits or {}) for bound in wanted.bounds]
    if "" in wanted.words:
        asked.append(false())
    asked += [e.id.in_(select(Word.exception_id).where(_begins(word))) for word in _telling(wanted.words)]
    asked += [literal_column(SEARCHED).bool_op("@@")(_phrase(phrase)) for phrase in wanted.phrases]
    return asked


def _of_tab(wanted: Filter) -> list[ColumnElement[bool]]:
    e = Exception_
    match wanted.tab:
        case "review":
            return [IS_OPEN, WAITS]
        case "mine":
            return [IS_OPEN, e.owner_user_id == (-1 if wanted.me is None else wanted.me), ~RESTS]
        case "escalating":
            return [IS_OPEN, e.state == literal_column("'escalating'"), ~RESTS]
        case "snoozed":
            return [IS_OPEN, RESTS]
        case "resolved":
            return [IS_RESOLVED]
    return [IS_OPEN]


def _filed(wanted: Filter) -> ColumnElement[bool]:
    """Return the condition that a row has evidence of a kind.

    What the list is ordered by is compared too, and where it is and whose, so that the planner may walk the index of one
    kind, there or theirs, in that order.
    """
    e, f = Exception_, Filed
    is_resolved = wanted.tab == "resolved"
    tab = {"review": "for_review", "resolved": "status = 'resolved'"}.get(wanted.tab, "status = 'open'")
    spelt: ColumnElement[bool] = literal_column(f"exceptions.filed.{tab}")
    ordered = (
        [f.resolved_at == e.resolved_at]
        if is_resolved
        else [f.severity == e.severity, f.first_seen_at == e.first_seen_at]
    )
    if len(wanted.locations) == 1:
        ordered.append(f.location == e.location)
    if wanted.tab == "mine" or (len(wanted.owners) == 1 and wanted.owners[0]):
        ordered.append(f.owner_user_id == e.owner_user_id)
    same = (f.exception_id == e.id, f.entity_id == e.entity_id, *ordered)
    return exists().where(f.kind.in_(wanted.kinds), spelt, *same)


def _item(item: str) -> ColumnElement[bool]:
    sku = Exception_.sku.collate("C")
    if not item.endswith("*"):
        return sku == item
    begin = item.rstrip("*")  # two bounds, not LIKE: behind row-level security that leads to nothing
    return and_(sku >= begin, sku < begin + LAST_CHARACTER)


def _bound(bound: Bound, now: datetime, digits: Digits) -> ColumnElement[bool]:
    e = Exception_
    if bound.of == "age":  # older means seen earlier
        moment = now - timedelta(minutes=float(bound.number))
        return _compared(e.first_seen_at, FLIPPED[bound.op], moment)
    if bound.of != "value":
        return _compared(e.count if bound.of == "seen" else e.quantity, bound.op, bound.number)
    by_digits: dict[int, list[int]] = {}
    for entity_id, places in digits.items():
        by_digits.setdefault(places, []).append(entity_id)
    return or_(
        false(),
        *(
            and_(e.entity_id.in_(entities), _compared(e.amount_minor, bound.op, bound.number.scaleb(places)))
            for places, entities in by_digits.items()
        ),
    )


FLIPPED: dict[str, str] = {">": "<", ">=": "<=", "<": ">", "<=": ">="}
OPERATORS: dict[str, Any] = {">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le}


def _compared(column: Any, op: str, value: Any) -> ColumnElement[bool]:
    compared: ColumnElement[bool] = OPERATORS[op](column, value)
    return compared


def words_of(session: Session, text: str) -> tuple[str, ...]:
    """Return the words of a text as the database takes titles apart; none for a text of nothing but punctuation."""
    return tuple(row[0] for row in cursor(session).execute(WORDS, (text,)).fetchall())


def _telling(words: Sequence[str]) -> list[str]:
    """Return words without those with which others begin."""
    told = sorted(set(words), key=len, reverse=True)
    return [word for at, word in enumerate(told) if not any(longer.startswith(word) for longer in told[:at])]


def _begins(word: str) -> ColumnElement[bool]:
    """Return the condition that a kept word begins like this: the two bounds are what an index can be asked for."""
    return and_(Word.word >= word, Word.word < word + LAST_CHARACTER)


def _phrase(text: str) -> ColumnElement[Any]:
    """Return the text query for words that follow each other, the last of which may go on."""
    phrase = func.nullif(func.phraseto_tsquery(literal_column("'simple'"), text).cast(Text), "")
    return (phrase + ":*").cast(TSQUERY)
