"""categories.csv: `code,name,parent`."""

from datetime import datetime

from onhand.actors import Actor
from onhand.contributions import ImportReport
from sqlalchemy.orm import Session

from onhand_master_data import queries
from onhand_master_data.importing.table import Columns, outcome, read_rows, row_errors
from onhand_master_data.refusals import Refused
from onhand_master_data.services import save_categories
from onhand_master_data.services.version import take_turn
from onhand_master_data.values import Category

__all__ = ["COLUMNS", "import_categories"]

COLUMNS = Columns(("code", "name"), ("parent",))


def import_categories(session: Session, data: bytes, by: Actor, now: datetime) -> ImportReport:
    """Create the categories whose code is new and change the others, all or none; a parent may follow its children."""
    table = read_rows(data, COLUMNS)
    if not table.rows:
        return outcome(table, [])
    take_turn(session)
    known = queries.categories(session)
    wanted = []
    for row in table.rows:
        before = known.get(row.cells["code"])
        parent = row.cells.get("parent", before.parent if before else None) or None
        wanted.append(Category(row.cells["code"], row.cells["name"], parent))
    try:
        save_categories(session, wanted, by=by, now=now)
    except Refused as refused:
        return outcome(table, row_errors(table.rows, refused.errors))
    created = sum(category.code not in known for category in wanted)
    updated = sum(category.code in known and known[category.code] != category for category in wanted)
    return outcome(table, [], created, updated)
