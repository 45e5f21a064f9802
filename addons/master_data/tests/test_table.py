"""A CSV file is read to the letter, or refused with row and column."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from onhand_master_data.importing.table import BYTES_MAX, ROWS_MAX, Columns, Table, read_rows

COLUMNS = Columns(("sku", "name"), ("gtin",))


def read(text: str | bytes) -> Table:
    return read_rows(text if isinstance(text, bytes) else text.encode(), COLUMNS)


def only_error(text: str | bytes) -> tuple[int, str, str]:
    table = read(text)
    [error] = table.errors
    return error.row, error.column, error.message


@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_marks_line_ends_and_bom_make_no_difference(bom: bytes, end: str, mark: str) -> None:
    text = end.join([mark.join(["SKU", " Name ", "gtin"]), mark.join(["A1", '"Tea, green; ""loose"""', ""])])
    table = read(bom + text.encode())
    assert not table.errors
    assert [(row.number, row.cells) for row in table.rows] == [
        (2, {"sku": "A1", "name": 'Tea, green; "loose"', "gtin": ""})
    ]


def test_blank_rows_are_passed_over_and_still_counted() -> None:
    table = read("sku,name\n\nA,a\n,\nB,b\n")
    assert [row.number for row in table.rows] == [3, 5]


def test_a_column_may_be_absent_but_not_unknown_missing_or_double() -> None:
    assert "gtin" not in read("sku,name\nA,a").rows[0].cells
    assert only_error("sku,name,colour\nA,a,red")[:2] == (1, "colour")
    assert only_error("sku\nA") == (1, "name", "the column is missing")
    assert only_error("sku,name,name\nA,a,b") == (1, "name", "the column is there twice")


def test_rows_of_another_width_are_named() -> None:
    table = read("sku,name\nA,a\nB\nC,c,c\n")
    assert [(error.row, error.message[:7]) for error in table.errors] == [(3, "1 cells"), (4, "3 cells")]


def test_what_is_no_utf_8_text_is_refused_where_it_stands() -> None:
    assert only_error("sku,name\nA,é\n".encode("latin-1"))[0] == 2
    assert "UTF-16" in only_error("sku,name\n".encode("utf-16"))[2]
    assert only_error("sku,name\nA,a\x00b\n")[0] == 2
    assert "empty" in only_error("")[2]


def test_an_open_quote_is_named_by_its_row() -> None:
    row, _, message = only_error('sku,name\nA,a\nB,"b\nC,c\n')
    assert row == 3
    assert "quotes" in message


def test_oversize_is_refused_before_it_is_read() -> None:
    assert "bytes" in only_error(b"x" * (BYTES_MAX + 1))[2]
    assert "split it" in only_error("sku,name\n" + "A,a\n" * (ROWS_MAX + 1))[2]
    [error] = read("sku,name\nA," + "a" * 3000).errors
    assert (error.row, error.column) == (2, "name")


@given(st.binary(max_size=200))
def test_no_file_makes_the_reader_fail(data: bytes) -> None:
    table = read_rows(data, COLUMNS)
    assert table.rows or table.errors or b"sku" in data


@given(st.lists(st.tuples(st.text(min_size=1), st.text(min_size=1)), max_size=20))
def test_what_csv_writes_is_read_back(cells: list[tuple[str, str]]) -> None:
    import csv
    import io

    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(["sku", "name"])
    writer.writerows(cells)
    try:
        data = file.getvalue().encode()
    except UnicodeEncodeError:  # a lone surrogate is no text
        return
    if b"\x00" in data:
        return
    table = read_rows(data, COLUMNS)
    kept = [(sku.strip(), name.strip()) for sku, name in cells if sku.strip() or name.strip()]
    assert not table.errors
    assert [(row.cells["sku"], row.cells["name"]) for row in table.rows] == kept
