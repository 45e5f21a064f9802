"""Verbs over locations: create, change, and both in one list."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime

import psycopg
from onhand.actors import Actor
from onhand.audit import record
from onhand.db import cursor
from onhand.transaction import context
from sqlalchemy.orm import Session

from onhand_master_data import queries
from onhand_master_data.gs1 import NotAGs1Key, gln
from onhand_master_data.refusals import FieldError, Refused
from onhand_master_data.rules import bad_code, bad_name, is_time_zone
from onhand_master_data.services.authorities import demand_authority
from onhand_master_data.services.columns import columns
from onhand_master_data.services.item_rules import kept
from onhand_master_data.services.version import take_turn
from onhand_master_data.values import KINDS, Location, LocationChange, LocationDraft

__all__ = ["carry_out_places", "create_locations", "judge_all", "judged", "save_locations", "update_locations"]

NEW = 0


def create_locations(session: Session, drafts: Sequence[LocationDraft], *, by: Actor, now: datetime) -> list[Location]:
    """Create locations for entities in scope, all or none: Refused names every field at fault."""
    return save_locations(session, drafts, by=by, now=now)


def update_locations(
    session: Session, changes: Sequence[LocationChange], *, by: Actor, now: datetime
) -> list[Location]:
    """Change locations, all or none: Refused names every field at fault. Those out of scope do not exist."""
    return save_locations(session, changes, by=by, now=now)


def save_locations(
    session: Session, rows: Sequence[LocationDraft | LocationChange], *, by: Actor, now: datetime
) -> list[Location]:
    """Create each draft and make each change, all or none, in a constant number of statements; return them in order.

    NotAuthoritative where another system is named for the item master of an entity whose location would change.
    """
    return carry_out_places(session, rows, by=by, now=now)


def judged(session: Session, changes: Sequence[LocationChange]) -> tuple[list[Location], list[Location]]:
    """Return how locations stand and how they would, in order; Refused names every field at fault."""
    known = queries.locations_by_code(session, [row.code.strip() for row in changes])
    wanted = _judged(session, changes, known)
    return [known[location.code] for location in wanted], wanted


def judge_all(session: Session, rows: Sequence[LocationDraft | LocationChange]) -> None:
    """Raise Refused, naming every field at fault, where a list could not be saved whole. Writes nothing."""
    _judged(session, rows, queries.locations_by_code(session, [row.code.strip() for row in rows]))


def carry_out_places(
    session: Session,
    rows: Sequence[LocationDraft | LocationChange],
    *,
    by: Actor,
    now: datetime,
    is_decided: bool = False,
) -> list[Location]:
    """Do what `save_locations` does. `is_decided`: others agreed, so authority is not asked about again."""
    if not rows:
        return []
    take_turn(session)
    known = queries.locations_by_code(session, [row.code.strip() for row in rows])
    wanted = _judged(session, rows, known)
    entity_ids = queries.ids_by_entity(session)
    concerned = {entity_ids[at.entity]: f"location {at.code}" for at in wanted if known.get(at.code) != at}
    if not is_decided:
        demand_authority(session, "item_master", concerned, by=by, now=now)
    locations = _write(session, wanted, now)
    for location in locations:
        _audit(session, by, known.get(location.code), location, entity_ids[location.entity])
    return locations


def _judged(
    session: Session, rows: Sequence[LocationDraft | LocationChange], known: Mapping[str, Location]
) -> list[Location]:
    zones = queries.entity_zones(session)
    errors: list[FieldError] = []
    wanted: list[Location] = []
    for index, row in enumerate(rows):
        before = known.get(row.code.strip())
        if isinstance(row, LocationChange) and before is None:
            errors.append(FieldError(index, "code", "there is no such location", row.code))
        elif isinstance(row, LocationDraft) and before is not None:
            message = "there is such a location already"
            errors.append(FieldError(index, "code", message, row.code, conflict=True))
        wanted.append(_wanted(row, before, zones))
    errors += _faults(session, wanted)
    if errors:
        raise Refused(sorted(errors, key=lambda error: error.index))
    return wanted


def _wanted(row: LocationDraft | LocationChange, before: Location | None, zones: Mapping[str, str]) -> Location:
    if isinstance(row, LocationDraft):
        name, kind, number, active = row.name, row.kind, row.gln, True
        location_id, entity, zone = NEW, row.entity, row.time_zone or zones.get(row.entity, "UTC")
    elif before is not None:
        name, kind = kept(row.name, before.name), kept(row.kind, before.kind)
        number, zone = kept(row.gln, before.gln), kept(row.time_zone, before.time_zone)
        active, location_id, entity = kept(row.active, before.active), before.id, before.entity
    else:  # refused already: judge what can be judged of it
        return Location(NEW, row.code.strip(), "?", KINDS[0], None, "", "UTC", False)
    return Location(
        location_id, row.code.strip(), name.strip(), kind, (number or "").strip() or None, entity, zone, active
    )


def _faults(session: Session, wanted: Sequence[Location]) -> Iterator[FieldError]:
    scope = set(context(session).entities)
    within = {code for code, entity_id in queries.ids_by_entity(session).items() if entity_id in scope}
    codes = Counter(location.code for location in wanted)
    numbers = Counter(location.gln for location in wanted if location.gln)
    owners = _gln_owners(session, numbers)
    for index, location in enumerate(wanted):
        yield from _own_faults(index, location)
        if location.entity and location.entity not in within:
            yield FieldError(index, "entity", "there is no such entity within reach", location.entity)
        if codes[location.code] > 1:
            yield FieldError(index, "code", "given more than once here", location.code)
        if location.gln and numbers[location.gln] > 1:
            yield FieldError(index, "gln", "given more than once here", location.gln)
        if location.gln and owners.get(location.gln, location.code) != location.code:
            message = f"belongs to location {owners[location.gln]}"
            yield FieldError(index, "gln", message, location.gln, conflict=True)


def _own_faults(index: int, location: Location) -> Iterator[FieldError]:
    if fault := bad_code(location.code):
        yield FieldError(index, "code", fault, location.code)
    if fault := bad_name(location.name):
        yield FieldError(index, "name", fault, location.name)
    if location.kind not in KINDS:
        yield FieldError(index, "kind", f"one of {', '.join(KINDS)}", location.kind)
    if not is_time_zone(location.time_zone):
        yield FieldError(index, "time_zone", "no such zone in the IANA database, as Europe/Vienna", location.time_zone)
    if location.gln:
        try:
            gln(location.gln)
        except NotAGs1Key as error:
            yield FieldError(index, "gln", str(error), location.gln)


def _gln_owners(session: Session, numbers: Counter[str]) -> dict[str, str]:
    rows = cursor(session).execute(
        "SELECT gln, code FROM master_data.location WHERE gln = ANY(%s) AND entity_id = ANY(%s)",
        (list(numbers), list(context(session).entities)),
    )
    return dict(rows.fetchall())


def _write(session: Session, wanted: Sequence[Location], now: datetime) -> list[Location]:
    new = [(at.code, at.name, at.kind, at.gln, at.entity, at.time_zone) for at in wanted if at.id == NEW]
    old = [(at.id, at.name, at.kind, at.gln, at.time_zone, at.active) for at in wanted if at.id != NEW]
    made = cursor(session).execute(
        "INSERT INTO master_data.location (code, name, kind, gln, entity_id, time_zone, created_at)"
        " SELECT d.code, d.name, d.kind, d.gln, e.id, d.time_zone, %s"
        " FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[])"
        " AS d (code, name, kind, gln, entity, time_zone) JOIN onhand.entity e ON e.code = d.entity"
        " ON CONFLICT DO NOTHING RETURNING code, id",
        (now, *columns(new, 6)),
    )
    ids: dict[str, int] = dict(made.fetchall())
    # Codes and GLNs are unique in the group: what clashes with a row beyond the wall shows only by not being made.
    unmade = [i for i, location in enumerate(wanted) if location.id == NEW and location.code not in ids]
    if unmade:
        raise Refused(
            [FieldError(i, "code", "the code or the GLN is taken", wanted[i].code, conflict=True) for i in unmade]
        )
    try:
        cursor(session).execute(
            "UPDATE master_data.location l"
            " SET name = d.name, kind = d.kind, gln = d.gln, time_zone = d.time_zone, active = d.active"
            " FROM unnest(%s::int[], %s::text[], %s::text[], %s::text[], %s::text[], %s::bool[])"
            " AS d (id, name, kind, gln, time_zone, active) WHERE l.id = d.id",
            columns(old, 6),
        )
    except psycopg.errors.UniqueViolation as error:
        suspects = [i for i, location in enumerate(wanted) if location.id != NEW and location.gln]
        message = "one of these GLNs is taken" if len(suspects) > 1 else "the GLN is taken"
        raise Refused([FieldError(i, "gln", message, wanted[i].gln or "", conflict=True) for i in suspects]) from error
    return [location if location.id != NEW else replace(location, id=ids[location.code]) for location in wanted]


def _audit(session: Session, by: Actor, before: Location | None, after: Location, entity_id: int) -> None:
    new = asdict(after)
    if before is None:
        record(session, by, "location.create", f"location:{after.id}", None, new, entity_id=entity_id)
        return
    old = asdict(before)
    changed = [name for name in new if new[name] != old[name]]
    if changed:
        record(
            session,
            by,
            "location.change",
            f"location:{after.id}",
            {name: old[name] for name in changed},
            {name: new[name] for name in changed},
            entity_id=entity_id,
        )
