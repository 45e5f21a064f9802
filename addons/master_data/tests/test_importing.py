"""A file is imported whole or not at all, and every fault is named by row and column."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from onhand.problems import ImportRefused
from onhand_master_data.api import Barcode, Pack, items_by_sku, locations_by_code
from onhand_master_data.importers import CATEGORIES, ITEMS, LOCATIONS
from onhand_master_data.testing import TESTER, gtin_of, make_item, make_location

Transact = Callable[..., Any]


def load(transact: Transact, importer: Any, text: str, **scope: Any) -> Any:
    return transact(lambda session, now: importer.run(session, text.encode(), TESTER, now), **scope)


def faults(transact: Transact, importer: Any, text: str, **scope: Any) -> list[tuple[int, str]]:
    with pytest.raises(ImportRefused) as refused:
        load(transact, importer, text, **scope)
    return [(error.row, error.column) for error in refused.value.report.errors]


def test_a_file_of_items_is_created_changed_and_then_stands_still(transact: Transact, entities: Any) -> None:
    a, b = entities
    load(transact, CATEGORIES, "code,name,parent\nTEA,Tea,DRINK\nDRINK,Drinks,\n")
    text = (
        "sku;name;base_unit;category;gtin;entities;packs\n"
        f'A;"Tea; green";GRM;TEA;{gtin_of(1)}|CS:{gtin_of(2)};{a.code}|{b.code};CS=12000/2|BX=500\n'
        f"B;Cup;;;;{a.code};\n"
    )
    report = load(transact, ITEMS, text)
    assert (report.rows, report.created, report.updated, report.errors) == (2, 2, 0, ())
    items = transact(lambda session, _: items_by_sku(session, ["A", "B"]))
    assert items["A"].packs == (Pack("BX", 500), Pack("CS", 6000))
    assert items["A"].barcodes == (Barcode(gtin_of(1).zfill(14)), Barcode(gtin_of(2).zfill(14), "CS"))
    assert (items["B"].base_unit, items["B"].entities) == ("EA", (a.code,))

    again = load(transact, ITEMS, text)
    assert (again.created, again.updated) == (0, 0)
    fewer = load(transact, ITEMS, "sku,name,gtin\nA,Green tea,\n")
    assert (fewer.created, fewer.updated) == (0, 1)
    item = transact(lambda session, _: items_by_sku(session, ["A"]))["A"]
    assert (item.name, item.barcodes) == ("Green tea", ())
    assert (item.packs, item.category) == (items["A"].packs, "TEA")


def test_one_bad_row_keeps_all_out(transact: Transact, entities: Any) -> None:
    a, _ = entities
    transact(lambda session, now: make_item(session, now, sku="OLD", gtin=gtin_of(9)))
    text = (
        "sku,name,base_unit,category,gtin,entities,packs\n"
        f"GOOD,Good,,,,{a.code},\n"
        ",No sku,,,,,\n"
        "B,,XX,NONE,123,??,CS=twelve\n"
        f"C,Taken,,,{gtin_of(9)},,\n"
        "OLD,Old,KGM,,,,\n"
        "GOOD,Twice,,,,,\n"
    )
    assert sorted(faults(transact, ITEMS, text)) == sorted([
        (2, "sku"), (3, "sku"), (4, "name"), (4, "base_unit"), (4, "category"), (4, "gtin"), (4, "entities"),
        (4, "packs"), (6, "base_unit"), (7, "sku"),
    ])  # fmt: skip
    assert list(transact(lambda session, _: items_by_sku(session, ["GOOD", "B", "C"]))) == []


def test_a_gtin_of_an_item_outside_the_file_is_taken(transact: Transact, entities: Any) -> None:
    transact(lambda session, now: make_item(session, now, sku="OLD", gtin=gtin_of(9)))
    assert faults(transact, ITEMS, f"sku,name,gtin\nNEW,New,{gtin_of(9)}\n") == [(2, "gtin")]


def test_a_file_of_locations(transact: Transact, entities: Any) -> None:
    a, b = entities
    transact(lambda session, now: make_location(session, now, a.id, code="OLD", kind="hub"))
    text = (
        "code,name,kind,gln,entity,time_zone\n"
        f"OLD,Renamed,,,{a.code},\n"
        f"NEW,New,distribution_centre,{gtin_of(3)},{b.code},Europe/Paris\n"
    )
    report = load(transact, LOCATIONS, text)
    assert (report.created, report.updated) == (1, 1)
    found = transact(lambda session, _: locations_by_code(session, ["OLD", "NEW"]))
    assert (found["OLD"].name, found["OLD"].kind) == ("Renamed", "hub")
    assert (found["NEW"].gln, found["NEW"].time_zone, found["NEW"].entity) == (gtin_of(3), "Europe/Paris", b.code)
    assert load(transact, LOCATIONS, text).updated == 0


def test_locations_of_others_are_out_of_a_files_reach(transact: Transact, entities: Any) -> None:
    a, b = entities
    transact(lambda session, now: make_location(session, now, a.id, code="THEIRS"))
    mine = {"entities": [b.id]}
    assert faults(transact, LOCATIONS, f"code,name,entity\nX,X,{a.code}\n", **mine) == [(2, "entity")]
    assert faults(transact, LOCATIONS, f"code,name,entity\nTHEIRS,X,{b.code}\n", **mine) == [(2, "code")]
    assert faults(transact, LOCATIONS, f"code,name,entity\nTHEIRS,X,{b.code}\n") == [(2, "entity")]


def test_a_file_that_is_no_table_changes_nothing(transact: Transact, entities: Any) -> None:
    assert faults(transact, ITEMS, "") == [(1, "")]
    assert faults(transact, ITEMS, "sku,naem\nA,a\n") == [(1, "naem"), (1, "name")]
    assert faults(transact, CATEGORIES, "code,name,parent\nA,A,B\nB,B,A\n") == [(2, "parent"), (3, "parent")]


def test_five_thousand_rows_take_seconds(transact: Transact, entities: Any) -> None:
    a, b = entities
    lines = [f"S{n:05},Item {n},EA,,{gtin_of(n + 1)},{a.code}|{b.code},CS={n % 24 + 1}" for n in range(5000)]
    text = "sku,name,base_unit,category,gtin,entities,packs\n" + "\n".join(lines)
    started = time.monotonic()
    report = load(transact, ITEMS, text)
    taken = time.monotonic() - started
    assert (report.rows, report.created) == (5000, 5000)
    assert taken < 300
