"""items.csv: `sku,name,base_unit,category,gtin,entities,packs`."""

from collections.abc import Mapping
from datetime import datetime

from onhand.actors import Actor
from onhand.contributions import ImportReport, RowError, RowOutcome
from sqlalchemy.orm import Session

from onhand_master_data import queries
from onhand_master_data.conversion import parse_pack
from onhand_master_data.importing.table import Columns, Row, outcome, parse, parts, read_rows, row_errors
from onhand_master_data.refusals import Refused
from onhand_master_data.services import change_items
from onhand_master_data.services.version import take_turn
from onhand_master_data.units import canonical
from onhand_master_data.values import KEEP, Barcode, Item, ItemChange, ItemDraft, Pack

__all__ = ["COLUMNS", "import_items", "read_barcode"]

COLUMNS = Columns(("sku", "name"), ("base_unit", "category", "gtin", "entities", "packs"))


def import_items(session: Session, data: bytes, by: Actor, now: datetime) -> ImportReport:
    """Create the items whose SKU is new and change the others, all or none; raises ImportRefused with every error.

    What is in use changes by request, one for the whole file.

    Importing the same file twice changes nothing more.
    """
    table = read_rows(data, COLUMNS)
    if not table.rows:
        return outcome(table, [])
    take_turn(session)
    known = queries.items_by_sku(session, [row.cells["sku"] for row in table.rows])
    errors: list[RowError] = []
    wanted = [_wanted(row, known, errors) for row in table.rows]
    try:
        changed = change_items(session, wanted, by=by, now=now)
    except Refused as refused:
        return outcome(table, [*errors, *row_errors(table.rows, refused.errors)])
    told = changed.outcomes
    rows = [RowOutcome(row.number, row.cells["sku"], each) for row, each in zip(table.rows, told, strict=True)]
    return outcome(table, errors, told.count("created"), told.count("applied"), rows)


def _wanted(row: Row, known: Mapping[str, Item], errors: list[RowError]) -> ItemDraft | ItemChange:
    cells = row.cells
    sku = cells["sku"]
    category = cells.get("category") or None
    entities = tuple(parts(cells.get("entities", "")))
    no_packs: tuple[Pack, ...] = ()
    packs = parse(row, "packs", _packs, errors, no_packs)
    barcodes = tuple(read_barcode(part) for part in parts(cells.get("gtin", "")))
    if sku not in known:
        base_unit = cells.get("base_unit") or "EA"
        return ItemDraft(sku, cells["name"], base_unit, category, entities, packs, barcodes)
    base_unit = cells.get("base_unit", "")
    if base_unit and canonical(base_unit) != known[sku].base_unit:
        message = f"the base unit never changes; it is {known[sku].base_unit}"
        errors.append(RowError(row.number, "base_unit", message, base_unit))
    return ItemChange(
        sku=sku,
        name=cells["name"],
        category=category if "category" in cells else KEEP,
        entities=entities if "entities" in cells else KEEP,
        packs=packs if "packs" in cells else KEEP,
        barcodes=barcodes if "gtin" in cells else KEEP,
    )


def _packs(text: str) -> tuple[Pack, ...]:
    return tuple(parse_pack(part) for part in parts(text))


def read_barcode(text: str) -> Barcode:
    """Read `GTIN`, or `CS:GTIN` for one on a pack."""
    unit, colon, gtin = text.rpartition(":")
    return Barcode(gtin.strip(), unit.strip() if colon else None)
