"""Verbs over units: a site may name packages of its own; measures are fixed by their definition."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from onhand.actors import Actor
from onhand.audit import record
from onhand.db import cursor
from onhand.transaction import context
from sqlalchemy.orm import Session

from onhand_master_data import queries
from onhand_master_data.refusals import FieldError, Refused
from onhand_master_data.rules import bad_name
from onhand_master_data.services.authorities import demand_authority
from onhand_master_data.services.columns import columns
from onhand_master_data.services.item_rules import kept
from onhand_master_data.services.version import take_turn
from onhand_master_data.units import PACKAGE, canonical
from onhand_master_data.values import Unit, UnitChange

__all__ = ["create_units", "judged_names", "rename_units"]

_CODE = re.compile(r"[A-Z0-9]{1,8}")


def create_units(
    session: Session,
    units: Sequence[Unit],
    *,
    by: Actor,
    now: datetime,
) -> list[Unit]:
    """Name packages that the shipped list lacks, all or none: Refused names every field at fault."""
    take_turn(session)
    errors = list(_faults(units, queries.units(session)))
    if errors:
        raise Refused(errors)
    demand_authority(session, "item_master", _everyone(session, units), by=by, now=now)
    cursor(session).execute(
        "INSERT INTO master_data.unit (code, name, dimension) SELECT * FROM unnest(%s::text[], %s::text[], %s::text[])",
        columns([(unit.code, unit.name, unit.dimension) for unit in units], 3),
    )
    for unit in units:
        record(session, by, "unit.create", f"unit:{unit.code}", None, {"name": unit.name})
    return list(units)


def rename_units(
    session: Session,
    names: Mapping[str, str],
    *,
    by: Actor,
    now: datetime,
    is_decided: bool = False,
) -> list[Unit]:
    """Call units, by code, by other names, all or none."""
    take_turn(session)
    known = queries.units(session)
    errors = []
    for index, (code, name) in enumerate(names.items()):
        if code not in known:
            errors.append(FieldError(index, "code", "there is no such unit", code))
        if fault := bad_name(name):
            errors.append(FieldError(index, "name", fault, name))
    if errors:
        raise Refused(errors)
    renamed = [known[code] for code, name in names.items() if known[code].name != name]
    if not is_decided:
        demand_authority(session, "item_master", _everyone(session, renamed), by=by, now=now)
    cursor(session).execute(
        "UPDATE master_data.unit u SET name = d.name FROM unnest(%s::text[], %s::text[]) AS d (code, name)"
        " WHERE u.code = d.code",
        columns(list(names.items()), 2),
    )
    for code, name in names.items():
        record(session, by, "unit.change", f"unit:{code}", {"name": known[code].name}, {"name": name})
    return [Unit(code, name, known[code].dimension) for code, name in names.items()]


def judged_names(session: Session, changes: Sequence[UnitChange]) -> tuple[list[Unit], list[Unit]]:
    """Return how units stand and how they would, in order; Refused names every field at fault."""
    known = queries.units(session)
    errors = [
        FieldError(index, "code", "there is no such unit", change.code)
        for index, change in enumerate(changes)
        if change.code not in known
    ]
    befores = [known[change.code] for change in changes if change.code in known]
    if errors:
        raise Refused(errors)
    wanted = [
        Unit(before.code, kept(change.name, before.name), before.dimension)
        for change, before in zip(changes, befores, strict=True)
    ]
    errors = [
        FieldError(index, "name", fault, unit.name)
        for index, unit in enumerate(wanted)
        if (fault := bad_name(unit.name))
    ]
    if errors:
        raise Refused(errors)
    return befores, wanted


def _everyone(session: Session, units: Sequence[Unit]) -> dict[int, str]:
    """Units are the group's: they concern every entity in scope."""
    return dict.fromkeys(context(session).entities, f"unit {units[0].code}") if units else {}


def _faults(units: Sequence[Unit], known: Mapping[str, Unit]) -> Iterator[FieldError]:
    counts = Counter(unit.code for unit in units)
    for index, unit in enumerate(units):
        if not _CODE.fullmatch(unit.code):
            yield FieldError(index, "code", "1 to 8 capital letters and digits", unit.code)
        if unit.code in known or canonical(unit.code) in known:
            yield FieldError(index, "code", "there is such a unit already", unit.code, conflict=True)
        if counts[unit.code] > 1:
            yield FieldError(index, "code", "given more than once here", unit.code)
        if fault := bad_name(unit.name):
            yield FieldError(index, "name", fault, unit.name)
        if unit.dimension != PACKAGE:
            yield FieldError(index, "dimension", "only packages can be added", unit.dimension)
