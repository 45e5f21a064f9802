"""Verbs over the registry of authoritative systems: name one, end one, and refuse or report who is none."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from onhand.actors import Actor
from onhand.audit import record
from onhand.db import cursor
from onhand.transaction import context
from sqlalchemy.orm import Session

from onhand_master_data import queries
from onhand_master_data.authority import DOMAINS, Period, book_of, system_of
from onhand_master_data.refusals import FieldError, NotAuthoritative, Refused
from onhand_master_data.services.columns import columns
from onhand_master_data.services.version import take_turn
from onhand_master_data.values import Violation

__all__ = ["Ending", "Naming", "Registered", "demand_authority", "end_authorities", "name_authorities", "registered"]

SYSTEM = re.compile(r"[^\x00-\x20\x7f-\xa0](?:[^\x00-\x1f\x7f-\x9f]{0,78}[^\x00-\x20\x7f-\xa0])?")
LIST = """
/* authorities.list */ SELECT id, system, effective_from, effective_until, entity_id, domain, reason, recorded_at, actor
FROM master_data.authority WHERE entity_id = ANY(%s) ORDER BY entity_id, domain, effective_from DESC, id DESC
"""
INSERT = """
/* authorities.insert */ INSERT INTO master_data.authority
  (entity_id, domain, system, effective_from, effective_until, reason, recorded_at, actor)
SELECT d.*, %s, %s FROM unnest(%s::int[], %s::text[], %s::text[], %s::timestamptz[], %s::timestamptz[], %s::text[]) AS d
RETURNING id
"""
END = """
/* authorities.end */ UPDATE master_data.authority a SET effective_until = d.until
FROM unnest(%s::bigint[], %s::timestamptz[]) AS d (id, until) WHERE a.id = d.id
"""


@dataclass(frozen=True, slots=True)
class Naming:
    """A wish: this system is authoritative for a domain of an entity, from a time on (None: now) until another.

    `replace` ends the period that is in force then at the beginning of this one.
    """

    entity_id: int
    domain: str
    system: str
    effective_from: datetime | None = None
    effective_until: datetime | None = None
    reason: str | None = None
    replace: bool = False


@dataclass(frozen=True, slots=True)
class Ending:
    """A wish: the period ends at a time, now if none is given. One that has not begun is withdrawn whole."""

    id: int
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Registered(Period):
    """A period of the registry: whose and which data it is about, who put it there and why."""

    entity_id: int
    domain: str
    reason: str | None
    recorded_at: datetime
    actor: str

    def told(self, codes: Mapping[int, str]) -> dict[str, Any]:
        """Return it as programs are told of it, its entity by its code."""
        return {
            "id": self.id,
            "entity": codes[self.entity_id],
            "domain": self.domain,
            "system": self.system,
            "effective_from": self.effective_from,
            "effective_until": self.effective_until,
            "reason": self.reason,
        }


def registered(session: Session, entities: Iterable[int]) -> list[Registered]:
    """Return every period of these entities, newest first within each entity and domain; withdrawn ones too."""
    return [Registered(*row) for row in cursor(session).execute(LIST, (list(entities),)).fetchall()]


def name_authorities(
    session: Session, namings: Sequence[Naming], *, by: Actor, now: datetime
) -> list[Registered]:  # fmt: skip
    """Put systems into the registry, all or none: Refused names every field at fault.

    A past beginning means now: what was written before stands. Periods of one entity and domain never overlap.
    """
    if not namings:
        return []
    take_turn(session)
    known = {row.id: row for row in registered(session, {naming.entity_id for naming in namings})}
    starts = [max(naming.effective_from or now, now) for naming in namings]
    errors: list[FieldError] = []
    for index, (naming, start) in enumerate(zip(namings, starts, strict=True)):
        errors += _shape_faults(session, index, naming, start)
    if errors:
        raise Refused(errors)
    ends: dict[int, datetime] = {}
    rows: list[tuple[object, ...]] = []
    for index, (naming, start) in enumerate(zip(namings, starts, strict=True)):
        place = [row for row in known.values() if (row.entity_id, row.domain) == (naming.entity_id, naming.domain)]
        for row in place:
            until = ends.get(row.id, row.effective_until)
            if not _overlap(row.effective_from, until, start, naming.effective_until):
                continue
            if naming.replace and row.effective_from < start:
                ends[row.id] = start
            else:
                errors.append(FieldError(index, "effective_from", _overlaps(row, until), naming.system, conflict=True))
        place_now = [row for row in rows if row[:2] == (naming.entity_id, naming.domain)]
        if any(_overlap(row[3], row[4], start, naming.effective_until) for row in place_now):  # type: ignore[arg-type]  # columns 3 and 4 are moments
            errors.append(FieldError(index, "effective_from", "overlaps another period given here", naming.system))
        rows.append((
            naming.entity_id, naming.domain, naming.system, start, naming.effective_until, naming.reason or None,
        ))  # fmt: skip
    if errors:
        raise Refused(errors)
    if ends:
        cursor(session).execute(END, columns(list(ends.items()), 2))
    made = cursor(session).execute(INSERT, (now, by.ref, *columns(rows, 6))).fetchall()
    ids = [row[0] for row in made]
    _audit_named(session, known, ends, namings, starts, by)
    after = {row.id: row for row in registered(session, {naming.entity_id for naming in namings})}
    return [after[id_] for id_ in ids]


def end_authorities(session: Session, endings: Sequence[Ending], *, by: Actor, now: datetime) -> list[Registered]:
    """End periods, all or none: Refused names those that are not there, are over, or would end before now."""
    take_turn(session)
    known = {row.id: row for row in registered(session, context(session).entities)}
    errors: list[FieldError] = []
    ends: dict[int, datetime] = {}
    for index, ending in enumerate(endings):
        row, at = known.get(ending.id), ending.at or now
        if row is None:
            errors.append(FieldError(index, "id", "there is no such period", str(ending.id)))
            continue
        if row.effective_until is not None and row.effective_until <= now:
            errors.append(FieldError(index, "id", f"it is over since {row.effective_until.isoformat()}", row.system))
        elif at < now:
            errors.append(FieldError(index, "at", "it cannot end in the past", at.isoformat()))
        elif row.effective_until is not None and at > row.effective_until:
            message = f"it ends at {row.effective_until.isoformat()} already: name the system anew"
            errors.append(FieldError(index, "at", message, at.isoformat()))
        ends[row.id] = max(at, row.effective_from) if ending.at is not None else max(now, row.effective_from)
    if errors:
        raise Refused(errors)
    cursor(session).execute(END, columns(list(ends.items()), 2))
    for id_, until in ends.items():
        _audit_ended(session, known[id_], until, by)
    after = {row.id: row for row in registered(session, context(session).entities)}
    return [after[ending.id] for ending in endings]


def demand_authority(session: Session, domain: str, subjects: Mapping[int, str], *, by: Actor, now: datetime) -> None:
    """Raise NotAuthoritative where another system than the one `by` speaks for is authoritative.

    `subjects` maps each entity concerned to what is written there.
    """
    book = book_of(session)
    system = system_of(by)
    named: dict[int, Period] = {}
    for entity_id in subjects:
        period = book.named(domain, entity_id, now) if book else None
        if period is not None and period.system != system:
            named[entity_id] = period
    if named:
        codes = {entity_id: code for code, entity_id in queries.ids_by_entity(session).items()}
        raise NotAuthoritative(
            [
                Violation(domain, entity_id, system, by.ref, subjects[entity_id], period.system)
                for entity_id, period in named.items()
            ],
            codes,
            DOMAINS[domain].lower(),
        )


def _shape_faults(session: Session, index: int, naming: Naming, start: datetime) -> Iterable[FieldError]:
    if naming.domain not in DOMAINS:
        yield FieldError(index, "domain", f"one of {', '.join(DOMAINS)}", naming.domain)
    if not SYSTEM.fullmatch(naming.system):
        message = "1 to 80 characters, no blanks at its ends: the source that its tokens name, or onhand"
        yield FieldError(index, "system", message, naming.system)
    if naming.entity_id not in context(session).entities:
        yield FieldError(index, "entity", "there is no such entity within reach", str(naming.entity_id))
    if naming.effective_until is not None and naming.effective_until <= start:
        message = f"must lie after the beginning, {start.isoformat()}"
        yield FieldError(index, "effective_until", message, naming.effective_until.isoformat())


def _overlap(start: datetime, until: datetime | None, other: datetime, other_until: datetime | None) -> bool:
    if until == start:
        return False
    return (until is None or other < until) and (other_until is None or start < other_until)


def _overlaps(row: Registered, until: datetime | None) -> str:
    end = f"until {until.isoformat()}" if until else "without end"
    return (
        f"overlaps {row.system}, named from {row.effective_from.isoformat()} {end}:"
        " end that first, or have this one replace it"
    )


def _audit_named(
    session: Session,
    known: Mapping[int, Registered],
    ends: Mapping[int, datetime],
    namings: Sequence[Naming],
    starts: Sequence[datetime],
    by: Actor,
) -> None:
    for id_, until in ends.items():
        _audit_ended(session, known[id_], until, by)
    for naming, start in zip(namings, starts, strict=True):
        ends_at = naming.effective_until.isoformat() if naming.effective_until else None
        after = {"system": naming.system, "effective_from": start.isoformat(), "effective_until": ends_at}
        record(
            session, by, "authority.name", f"authority:{naming.domain}", None, after, naming.reason, naming.entity_id
        )


def _audit_ended(session: Session, row: Registered, until: datetime, by: Actor) -> None:
    before = {"system": row.system, "effective_until": row.effective_until and row.effective_until.isoformat()}
    after = {"system": row.system, "effective_until": until.isoformat()}
    record(session, by, "authority.end", f"authority:{row.domain}", before, after, None, row.entity_id)
