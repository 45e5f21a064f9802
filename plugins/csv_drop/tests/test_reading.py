"""A row is an event, or says what is wrong with it; whatever is wrong with one, the others stand."""

from datetime import UTC, datetime

import pytest
from onhand_channels.api import Outcome
from onhand_csv_drop.reading import Layout, Line, outcome_csv, read
from onhand_csv_drop.testing import COLUMNS

LEFT_AT = datetime(2026, 11, 2, 22, tzinfo=UTC)
HEAD = "Article;Pieces;Branch;Sold at;Receipt;Clerk\n"
GOOD = "TEA;2;S1;2026-11-02T09:30:00;r-1;Ada\n"


def lines(text: str | bytes, **layout: object) -> list[Line]:
    said = {"channel": "till-1", "event_type": "onhand.sale.v1", "columns": COLUMNS, **layout}
    data = text if isinstance(text, bytes) else text.encode()
    return read(Layout(**said), data, digest="d" * 64, left_at=LEFT_AT)


def test_a_row_is_the_event_that_its_columns_say():
    [line] = lines("\ufeff" + HEAD.upper() + GOOD, zone="Europe/Berlin")
    assert line.event == {
        "specversion": "1.0", "id": "r-1", "source": "till-1", "type": "onhand.sale.v1",
        "time": "2026-11-02T09:30:00+01:00", "data": {"lines": [{"quantity": 2, "sku": "TEA"}], "location": "S1"},
    }  # fmt: skip


def test_what_no_column_says_the_source_and_the_file_say():
    columns = {"gtin": "EAN", "quantity": "Qty", "order": "Order"}
    [line] = lines("EAN,Qty,Order\n4006381333931,3.0,o-1\n", columns=columns, location="S2")
    assert line.event is not None
    assert line.event["id"] == f"{'d' * 24}-2"
    assert line.event["time"] == LEFT_AT.isoformat()
    line_of_it = {"quantity": 3, "gtin": "4006381333931"}
    assert line.event["data"] == {"lines": [line_of_it], "location": "S2", "order": "o-1"}


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("TEA;two;S1;2026-11-02;r-2;Bob", "quantity 'two' is no whole number from 1"),
        ("TEA;0;S1;2026-11-02;r-2;Bob", "quantity '0' is no whole number from 1"),
        ("TEA;-1;S1;2026-11-02;r-2;Bob", "quantity '-1'"),
        ("TEA;1.5;S1;2026-11-02;r-2;Bob", "quantity '1.5'"),
        ("TEA;99999999999999999999;S1;2026-11-02;r-2;Bob", "quantity '99999999999999999999'"),
        ("TEA;1;S1;yesterday;r-2;Bob", "time 'yesterday' is no moment"),
        (";1;S1;2026-11-02;r-2;Bob", "neither SKU nor GTIN"),
        ("TEA;1;S1;2026-11-02;;Bob", "Receipt: empty"),
        ("TEA;1;S1", "3 cells where the header has 6"),
        (b"TEA;1;S1;2026-11-02;r-2;Ren\xe9", "not UTF-8 here"),
    ],
)
def test_a_bad_row_says_why_and_harms_no_other(row: str | bytes, fault: str):
    bad = row if isinstance(row, bytes) else row.encode()
    first, second, third = lines(HEAD.encode() + GOOD.encode() + bad + b"\n" + GOOD.encode())
    assert (second.row, second.event) == (3, None)
    assert fault in second.fault
    assert first.event == third.event


@pytest.mark.parametrize(
    ("data", "faults"),
    [
        (b"", ["the file is empty"]),
        (b"Article;Pieces;Branch\nTEA;1;S1\n", ["sold at: the column is missing; receipt: the column is missing"]),
        ((HEAD + GOOD).encode("utf-16"), ["the file is UTF-16"]),
        (HEAD.encode() + b'"TEA;1\n', ["this row cannot be read"]),
    ],
)
def test_a_file_that_cannot_be_read_says_why(data: bytes, faults: list[str]):
    found = lines(data)
    assert [line.event for line in found] == [None] * len(faults)
    assert all(said in line.fault for said, line in zip(faults, found, strict=True))


def test_the_outcome_has_the_cells_beside_it_and_no_formula():
    found = lines(HEAD + GOOD + "=HYPERLINK(1);-1;S1;2026-11-02;r-2;@Bob\n")
    told = outcome_csv(found, {2: Outcome("r-1", "parked", {"title": "Unknown item", "detail": "no TEA"})})
    assert told.splitlines() == [
        "row,outcome,problem,article,pieces,branch,sold at,receipt,clerk",
        "2,parked,Unknown item: no TEA,TEA,2,S1,2026-11-02T09:30:00,r-1,Ada",
        "3,refused,quantity '-1' is no whole number from 1,'=HYPERLINK(1),'-1,S1,2026-11-02,r-2,'@Bob",
    ]
    assert [line.event for line in lines(told)] == [found[0].event, None], "it can be mended and dropped again"
