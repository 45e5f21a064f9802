"""channels.csv: `code,name,kind,entity,locations`."""

from datetime import datetime

from onhand.actors import Actor
from onhand.contributions import Importer, ImportReport
from onhand_master_data.api import Columns, Row, outcome, parts, read_rows, row_errors
from sqlalchemy.orm import Session

from onhand_channels.services import channels_by_code, save_channels
from onhand_channels.values import ChannelDraft, ChannelRefused

__all__ = ["CHANNELS", "COLUMNS", "import_channels"]

COLUMNS = Columns(("code", "name", "kind", "entity", "locations"))


def import_channels(session: Session, data: bytes, by: Actor, now: datetime) -> ImportReport:
    """Create the channels whose code is new and change the others, all or none; raises ImportRefused with every error.

    A new channel is live at once: the file tells of channels that are at work. Importing the same file twice changes
    nothing more; the state of a channel stays as it is.
    """
    table = read_rows(data, COLUMNS)
    if not table.rows:
        return outcome(table, [])
    known = {ref.code: ref for ref in channels_by_code(session, [row.cells["code"] for row in table.rows])}
    try:
        saved = save_channels(session, [_draft(row) for row in table.rows], by=by, now=now)
    except ChannelRefused as refused:
        return outcome(table, row_errors(table.rows, refused.errors))
    created = sum(ref.code not in known for ref in saved)
    updated = sum(ref.code in known and known[ref.code] != ref for ref in saved)
    return outcome(table, [], created, updated)


def _draft(row: Row) -> ChannelDraft:
    cells = row.cells
    return ChannelDraft(cells["code"], cells["name"], cells["kind"], cells["entity"], tuple(parts(cells["locations"])))


CHANNELS = Importer(
    "channels", "code, name, kind, entity, locations (A|B, in the order they are asked)", import_channels
)
