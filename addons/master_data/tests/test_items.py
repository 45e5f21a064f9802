"""Items: one SKU and one GTIN mean one item in the whole group, and a list is written whole or not at all."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from onhand.db import cursor
from onhand_master_data.api import (
    Barcode,
    Category,
    FieldError,
    ItemChange,
    ItemDraft,
    Pack,
    Refused,
    create_items,
    items_by_sku,
    items_for_entity,
    match_items,
    resolve_items,
    save_categories,
    save_items,
    update_items,
)
from onhand_master_data.testing import TESTER, gtin_of, make_item

Transact = Callable[..., Any]


def refusals(transact: Transact, *rows: ItemDraft | ItemChange, **scope: Any) -> list[FieldError]:
    with pytest.raises(Refused) as refused:
        transact(lambda session, now: save_items(session, rows, by=TESTER, now=now), **scope)
    return list(refused.value.errors)


def test_an_item_is_kept_whole(transact: Transact, entities: Any) -> None:
    a, b = entities
    draft = ItemDraft(
        " TEA-1 ",
        "Tea",
        "GRM",
        "HOT",
        (b.code, a.code),
        (Pack("XCS", 24_000, 2), Pack("BX", 1000)),
        (Barcode("4006381333931"), Barcode(gtin_of(7), "CS")),
    )

    def command(session: Any, now: Any) -> Any:
        save_categories(session, [Category("HOT", "Hot drinks")], by=TESTER, now=now)
        create_items(session, [draft], by=TESTER, now=now)
        return items_by_sku(session, ["TEA-1"])["TEA-1"]

    item = transact(command)
    assert (item.name, item.base_unit, item.category, item.active) == ("Tea", "GRM", "HOT", True)
    assert item.entities == tuple(sorted((a.code, b.code)))
    assert item.packs == (Pack("BX", 1000), Pack("CS", 12_000))
    assert item.barcodes == (Barcode(gtin_of(7).zfill(14), "CS"), Barcode("04006381333931"))


def test_every_fault_of_every_item_is_named_at_once(transact: Transact, entities: Any) -> None:
    errors = refusals(
        transact,
        ItemDraft("good", "Good"),
        ItemDraft("bad/sku", " ", "CS", "NOPE", ("??",), (Pack("ZZ", 1),), (Barcode("123"),)),
        ItemDraft("odd", "Odd", "EA", packs=(Pack("EA", 1), Pack("DZN", 13), Pack("CS", 0), Pack("BX", 1, 0))),
        ItemDraft("more", "More", barcodes=(Barcode(gtin_of(9), "CS"),)),
    )
    assert {(error.index, error.field) for error in errors} == {
        (1, "sku"), (1, "name"), (1, "base_unit"), (1, "category"), (1, "entities"), (1, "packs"), (1, "gtin"),
        (2, "packs"), (3, "gtin"),
    }  # fmt: skip
    assert sum(error.index == 2 for error in errors) == 4
    assert transact(lambda session, _: items_by_sku(session, ["good"])) == {}


def test_a_sku_or_gtin_that_exists_is_a_conflict(transact: Transact, entities: Any) -> None:
    transact(lambda session, now: make_item(session, now, sku="A", gtin=gtin_of(1)))
    errors = refusals(transact, ItemDraft("A", "Again"), ItemDraft("B", "B", barcodes=(Barcode(gtin_of(1)),)))
    assert [(error.index, error.field, error.conflict) for error in errors] == [(0, "sku", True), (1, "gtin", True)]
    assert "item A" in errors[1].message


def test_a_list_that_contradicts_itself_is_refused(transact: Transact, entities: Any) -> None:
    code = (Barcode(gtin_of(1)),)
    errors = refusals(
        transact, ItemDraft("A", "A", barcodes=code), ItemDraft("A", "A"), ItemDraft("B", "B", barcodes=code)
    )
    assert [(error.index, error.field) for error in errors] == [(0, "sku"), (0, "gtin"), (1, "sku"), (2, "gtin")]


def test_a_gtin_moves_from_one_item_to_another_in_one_list(transact: Transact, entities: Any) -> None:
    transact(lambda session, now: make_item(session, now, sku="A", gtin=gtin_of(1)))
    transact(lambda session, now: make_item(session, now, sku="B", gtin=gtin_of(2)))
    swap = [
        ItemChange("A", packs=(Pack("CS", 6),), barcodes=(Barcode(gtin_of(2), "CS"),)),
        ItemChange("B", barcodes=(Barcode(gtin_of(1)),)),
    ]
    transact(lambda session, now: update_items(session, swap, by=TESTER, now=now))
    found = transact(lambda session, _: resolve_items(session, gtins=[gtin_of(1), gtin_of(2)])).by_gtin
    assert {gtin: (ref.sku, ref.unit) for gtin, ref in found.items()} == {
        gtin_of(1): ("B", "EA"),
        gtin_of(2): ("A", "CS"),
    }


def test_a_change_leaves_what_it_does_not_name(transact: Transact, entities: Any) -> None:
    before = transact(lambda session, now: make_item(session, now, sku="A", packs=(Pack("CS", 6),), gtin=gtin_of(1)))
    [after] = transact(lambda session, now: update_items(session, [ItemChange("A", name="New")], by=TESTER, now=now))
    assert after.name == "New"
    assert (after.id, after.packs, after.barcodes, after.entities) == (
        before.id,
        before.packs,
        before.barcodes,
        before.entities,
    )
    assert transact(lambda session, _: items_by_sku(session, ["A"]))["A"] == after


def test_only_an_entity_in_scope_may_start_or_stop_stocking_an_item(transact: Transact, entities: Any) -> None:
    a, b = entities
    transact(lambda session, now: make_item(session, now, a.id, sku="A"))
    grab = ItemChange("A", name="Mine")
    assert [error.field for error in refusals(transact, grab, entities=[b.id])] == ["sku"]
    oust = ItemChange("A", entities=(b.code,))
    assert [error.value for error in refusals(transact, oust, entities=[b.id])] == [a.code]
    intrude = ItemDraft("NEW", "New", entities=(a.code,))
    assert [error.value for error in refusals(transact, intrude, entities=[b.id])] == [a.code]

    join = [ItemChange("A", entities=(a.code, b.code))]
    transact(lambda session, now: update_items(session, join, by=TESTER, now=now), entities=[b.id])
    assert [item.sku for item in transact(lambda session, _: items_for_entity(session, b.id))] == ["A"]


def test_the_database_itself_keeps_one_entity_out_of_anothers_range(transact: Transact, entities: Any) -> None:
    a, b = entities
    item = transact(lambda session, now: make_item(session, now, a.id))
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        transact(
            lambda session, _: cursor(session).execute(
                "INSERT INTO master_data.item_entity VALUES (%s, %s)", (item.id, a.id + 1_000)
            ),
            entities=[b.id],
        )
    gone = transact(
        lambda session, _: cursor(session).execute("DELETE FROM master_data.item_entity").rowcount, entities=[b.id]
    )
    assert gone == 0


@pytest.mark.parametrize("column", ["base_unit", "id", "created_at"])
def test_the_base_unit_cannot_be_changed_by_anyone(transact: Transact, entities: Any, column: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        transact(lambda session, _: cursor(session).execute(f"UPDATE master_data.item SET {column} = {column}"))


def test_every_change_is_in_the_audit_trail_and_no_other(transact: Transact, entities: Any) -> None:
    item = transact(lambda session, now: make_item(session, now, sku="A"))
    for name in ("B", "B"):
        change = [ItemChange("A", name=name)]
        transact(lambda session, now, change=change: update_items(session, change, by=TESTER, now=now))
    rows = transact(
        lambda session, _: (
            cursor(session)
            .execute(
                "SELECT action, before, after, actor FROM onhand.audit WHERE subject = %s ORDER BY id",
                (f"item:{item.id}",),
            )
            .fetchall()
        )
    )
    assert [(row[0], row[3]) for row in rows] == [("item.create", "system:test"), ("item.change", "system:test")]
    assert rows[1][1:3] == ({"name": "Item A"}, {"name": "B"})


def test_an_inactive_item_is_kept_and_not_resolved(transact: Transact, entities: Any) -> None:
    transact(lambda session, now: make_item(session, now, sku="A", gtin=gtin_of(1)))
    off = [ItemChange("A", active=False)]
    transact(lambda session, now: update_items(session, off, by=TESTER, now=now))
    found = transact(lambda session, _: resolve_items(session, ["A"], [gtin_of(1)]))
    assert (found.by_sku, found.by_gtin) == ({}, {})
    assert transact(lambda session, _: items_by_sku(session, ["A"]))["A"].active is False


def test_a_sku_that_looks_like_anothers_gtin_is_told_apart(transact: Transact, entities: Any) -> None:
    code = gtin_of(1)
    transact(lambda session, now: make_item(session, now, sku=code))
    transact(lambda session, now: make_item(session, now, sku="B", gtin=code))
    found = transact(lambda session, _: resolve_items(session, [code], [code]))
    assert (found.by_sku[code].sku, found.by_gtin[code].sku) == (code, "B")


def test_codes_that_can_name_nothing_fail_nothing(transact: Transact, entities: Any) -> None:
    transact(lambda session, now: make_item(session, now, sku="A"))
    found = transact(lambda session, _: resolve_items(session, ["A", "\x00", "\ud800", "é", "x" * 9999], ["\x00", "1"]))
    assert list(found.by_sku) == ["A"]


def test_a_search_takes_sku_name_and_gtin_and_no_wildcard(transact: Transact, entities: Any) -> None:
    item = transact(lambda session, now: make_item(session, now, sku="TEA-1", name="Green tea", gtin=gtin_of(1)))
    transact(lambda session, now: make_item(session, now, sku="X", name="Other"))
    for text in ("tea-", "GREEN", gtin_of(1), " TEA-1 "):
        assert transact(lambda session, _, text=text: match_items(session, text, limit=5)) == [item.id]
    for text in ("T_A", "%", "1"):
        assert transact(lambda session, _, text=text: match_items(session, text, limit=5)) == []


@pytest.mark.parametrize("how_many", [1, 200])
def test_a_list_takes_the_same_number_of_statements_whatever_its_length(
    transact: Transact, entities: Any, statements: Any, how_many: int
) -> None:
    drafts = [
        ItemDraft(
            f"A{n}", "A", entities=(entities[0].code,), packs=(Pack("CS", 6),), barcodes=(Barcode(gtin_of(n + 1)),)
        )
        for n in range(how_many)
    ]

    def command(session: Any, now: Any) -> int:
        with statements() as seen:
            create_items(session, drafts, by=TESTER, now=now)
        return len(seen)

    assert transact(command) == 18
