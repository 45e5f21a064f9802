"""adjustments.csv: `sku,location,expected,delta,reason` and, where wanted, `state,note,value_minor,occurred_at`."""

from collections.abc import Callable
from datetime import datetime

from onhand.actors import Actor
from onhand.clocks import NoMoment, instant
from onhand.contributions import Importer, ImportReport, RowError
from onhand.ids import uuid7
from onhand_master_data.api import (
    Columns,
    ItemRef,
    LocationName,
    Row,
    describe_locations,
    locations_by_code,
    outcome,
    read_rows,
    resolve_items,
)
from sqlalchemy.orm import Session

from onhand_stock.kinds import ADJUSTABLE
from onhand_stock.services import Adjust, NotAdjusted, adjust

__all__ = ["ADJUSTMENTS", "COLUMNS", "adjustments_of"]

COLUMNS = Columns(("sku", "location", "expected", "reason"), ("delta", "state", "note", "value_minor", "occurred_at"))
NUMBER_MAX = 2_000_000_000
Reaches = Callable[[int, int], bool]


def adjustments_of(
    session: Session, data: bytes, by: Actor, now: datetime, *, within: Reaches, trusted: Reaches
) -> ImportReport:
    """Ask for every row's adjustment, or for none; raises ImportRefused with every row and column at fault.

    `within` says where whoever imports may ask, `trusted` where they may adjust at once, by entity and location.
    """
    table = read_rows(data, COLUMNS)
    errors: list[RowError] = []
    items = resolve_items(session, [row.cells["sku"] for row in table.rows]).by_sku
    found = locations_by_code(session, {row.cells["location"] for row in table.rows})
    names = describe_locations(session, [one.id for one in found.values()])
    places = {name.code: name for name in names.values() if within(name.entity_id, name.id)}
    asked: list[tuple[Row, Adjust]] = []
    for row in table.rows:
        one = _asked(row, items, places, trusted, errors)
        if one is not None:
            asked.append((row, one))
    if errors or table.errors:
        return outcome(table, errors)
    answers = adjust(session, [one for _, one in asked], by=by, now=now, source="import")
    for (row, _), answer in zip(asked, answers, strict=True):
        if isinstance(answer, NotAdjusted):
            column = answer.field if answer.field in (*COLUMNS.required, *COLUMNS.optional) else "delta"
            errors.append(RowError(row.number, column, answer.detail, row.cells.get(column, "")))
    return outcome(table, errors, created=len(answers))


def _asked(
    row: Row, items: dict[str, ItemRef], places: dict[str, LocationName], trusted: Reaches, errors: list[RowError]
) -> Adjust | None:
    before = len(errors)

    def fault(column: str, message: str) -> None:
        errors.append(RowError(row.number, column, message, row.cells.get(column, "")))

    item, place = items.get(row.cells["sku"]), places.get(row.cells["location"])
    if item is None:
        fault("sku", "there is no active item of this SKU")
    if place is None:
        fault("location", "there is no location of this code here")
    elif item is not None and place.entity_id not in item.entity_ids:
        fault("sku", "this entity does not stock it")
    state = row.cells.get("state") or "available"
    if state not in ADJUSTABLE:
        fault("state", f"not adjusted by hand; what can be: {', '.join(ADJUSTABLE)}")
    numbers: dict[str, int | None] = {}
    for column in ("expected", "delta", "value_minor"):
        try:
            numbers[column] = _number(row.cells.get(column, ""))
        except ValueError as error:
            fault(column, str(error))
    if (numbers.get("delta") is None) == (numbers.get("value_minor") is None) and len(errors) == before:
        fault("delta", "give the change of units, or for a markdown the change of value: one of them")
    if "expected" in numbers and (numbers["expected"] is None or numbers["expected"] < 0):
        fault("expected", "how many units were seen there: a whole number from 0")
    occurred_at = None
    if given := row.cells.get("occurred_at"):
        try:
            occurred_at = instant(given)
        except NoMoment as wrong:
            fault("occurred_at", str(wrong))
    if not row.cells["reason"]:
        fault("reason", "say why, by a reason code")
    if len(errors) > before or item is None or place is None:
        return None
    return Adjust(
        id=uuid7(), entity_id=place.entity_id, item_id=item.id, location_id=place.id, state=state,
        expected=numbers["expected"] or 0, delta=numbers["delta"] or 0, reason=row.cells["reason"],
        note=row.cells.get("note", ""), value_minor=numbers["value_minor"], occurred_at=occurred_at,
        is_trusted=trusted(place.entity_id, place.id),
    )  # fmt: skip


def _number(text: str) -> int | None:
    if not text:
        return None
    digits = text.replace("−", "-").removeprefix("+").removeprefix("-")
    if not digits.isdecimal() or not digits.isascii() or int(digits) > NUMBER_MAX:
        raise ValueError(f"a whole number of at most {NUMBER_MAX}")
    return -int(digits) if text[0] in "-−" else int(digits)


def _import(session: Session, data: bytes, by: Actor, now: datetime) -> ImportReport:
    """Ask for a file's adjustments on behalf of the operator, who is nobody's approver: tolerances do not apply."""
    return adjustments_of(session, data, by, now, within=lambda *_: True, trusted=lambda *_: False)


ADJUSTMENTS = Importer(
    "adjustments",
    "sku, location, expected (what was seen), reason, and delta or value_minor; optional: state (available), note,"
    " occurred_at",
    _import,
)
