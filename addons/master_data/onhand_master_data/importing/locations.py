"""locations.csv: `code,name,kind,gln,entity,time_zone`."""

from collections.abc import Mapping
from datetime import datetime

from onhand.actors import Actor
from onhand.contributions import ImportReport, RowError, RowOutcome
from sqlalchemy.orm import Session

from onhand_master_data import queries
from onhand_master_data.importing.table import Columns, Row, outcome, read_rows, row_errors
from onhand_master_data.refusals import Refused
from onhand_master_data.services import save_places
from onhand_master_data.services.version import take_turn
from onhand_master_data.values import KEEP, Location, LocationChange, LocationDraft

__all__ = ["COLUMNS", "import_locations"]

COLUMNS = Columns(("code", "name", "entity"), ("kind", "gln", "time_zone"))


def import_locations(session: Session, data: bytes, by: Actor, now: datetime) -> ImportReport:
    """Create the locations whose code is new and change the others, all or none; raises ImportRefused with every error.

    What is in use changes by request, one for the whole file and entity.

    Importing the same file twice changes nothing more.
    """
    table = read_rows(data, COLUMNS)
    if not table.rows:
        return outcome(table, [])
    take_turn(session)
    known = queries.locations_by_code(session, [row.cells["code"] for row in table.rows])
    errors: list[RowError] = []
    wanted = [_wanted(row, known, errors) for row in table.rows]
    try:
        told = list(save_places(session, wanted, by=by, now=now))
    except Refused as refused:
        return outcome(table, [*errors, *row_errors(table.rows, refused.errors)])
    rows = [RowOutcome(row.number, row.cells["code"], each) for row, each in zip(table.rows, told, strict=True)]
    return outcome(table, errors, told.count("created"), told.count("applied"), rows)


def _wanted(row: Row, known: Mapping[str, Location], errors: list[RowError]) -> LocationDraft | LocationChange:
    cells = row.cells
    code, entity = cells["code"], cells["entity"]
    gln = cells.get("gln") or None
    if code not in known:
        kind, zone = cells.get("kind") or "store", cells.get("time_zone") or None
        return LocationDraft(code, cells["name"], entity, kind, gln, zone)
    if entity != known[code].entity:
        message = f"a location's entity never changes; it is {known[code].entity}"
        errors.append(RowError(row.number, "entity", message, entity))
    return LocationChange(
        code=code,
        name=cells["name"],
        kind=cells.get("kind") or KEEP,
        gln=gln if "gln" in cells else KEEP,
        time_zone=cells.get("time_zone") or KEEP,
    )
