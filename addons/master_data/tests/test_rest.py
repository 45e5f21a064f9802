"""REST: what programs see, and what they are told when they are wrong."""

from collections.abc import Callable
from typing import Any

import pytest
from onhand_master_data.testing import gtin_of, make_item, make_items, make_location

Transact = Callable[..., Any]
READ, EDIT = "master_data.read", "master_data.edit"


@pytest.fixture
def editor(api: Any, token: Any, entities: Any) -> Any:
    return api(token(entities[0], READ, EDIT))


@pytest.fixture
def neighbour(api: Any, token: Any, entities: Any) -> Any:
    return api(token(entities[1], READ, EDIT))


def fields(answer: Any) -> list[str]:
    return [error["field"] for error in answer.json["errors"]]


def test_an_item_is_created_read_changed_and_listed(editor: Any, entities: Any) -> None:
    a, _ = entities
    assert editor.post("/api/v1/categories", json={"code": "DRINK", "name": "Drinks"}).status_code == 201
    tea = {"code": "TEA", "name": "Tea", "parent": "DRINK"}
    assert editor.post("/api/v1/categories", json=tea).json == tea
    made = editor.post(
        "/api/v1/items",
        json={
            "sku": "A",
            "name": "Green tea",
            "category": "TEA",
            "entities": [a.code],
            "packs": [{"unit": "CS", "numerator": 12}],
            "barcodes": [{"gtin": gtin_of(1), "unit": "CS"}],
        },
    )
    assert made.status_code == 201
    assert made.headers["Location"].endswith("/api/v1/items/A")
    whole = {
        "sku": "A",
        "name": "Green tea",
        "base_unit": "EA",
        "category": "TEA",
        "active": True,
        "entities": [a.code],
        "packs": [{"unit": "CS", "numerator": 12, "denominator": 1}],
        "barcodes": [{"gtin": gtin_of(1).zfill(14), "unit": "CS"}],
        "survivor": None,
    }
    assert made.json == whole
    assert editor.get("/api/v1/items/A").json == whole
    changed = editor.patch("/api/v1/items/A", json={"name": "White tea", "active": False, "category": None})
    assert changed.json == whole | {"name": "White tea", "active": False, "category": None}
    assert editor.get("/api/v1/items?category=DRINK").json["items"] == []
    editor.patch("/api/v1/items/A", json={"category": "TEA"})
    for narrowed in ("category=DRINK", "q=white", f"q={gtin_of(1)}", "active=false"):
        assert [item["sku"] for item in editor.get(f"/api/v1/items?{narrowed}").json["items"]] == ["A"], narrowed
    assert editor.get("/api/v1/items?active=true").json == {"items": [], "next": None}


def test_a_list_is_paged_without_gaps_or_repeats(editor: Any, transact: Transact, entities: Any) -> None:
    a, b = entities
    mine = transact(lambda session, now: make_items(session, now, 25, a.id))
    transact(lambda session, now: make_items(session, now, 5, b.id))
    seen: list[str] = []
    address = "/api/v1/items?limit=10"
    cursor = ""
    while cursor is not None:
        answer = editor.get(address + (f"&cursor={cursor}" if cursor else "")).json
        seen += [item["sku"] for item in answer["items"]]
        cursor = answer["next"]
    assert seen == sorted(item.sku for item in mine)
    assert len(editor.get("/api/v1/items?stocked=group&limit=200").json["items"]) == 30


def test_wrong_fields_are_named(editor: Any, entities: Any) -> None:
    wrong = editor.post(
        "/api/v1/items", json={"sku": "a/b", "name": "x", "barcodes": [{"gtin": "4006381333932"}], "category": "?"}
    )
    assert (wrong.status_code, wrong.content_type) == (422, "application/problem+json")
    assert sorted(fields(wrong)) == ["category", "gtin", "sku"]
    for body, field in (
        ({"name": "x"}, "sku"),
        ({"sku": "A", "name": "x\x00"}, "name"),
        ({"sku": "A", "name": "x", "packs": [{"unit": "CS", "numerator": 1.5}]}, "packs[0].numerator"),
        ({"sku": "A", "name": "x", "active": True}, "active"),
        ({"sku": "A", "name": "x", "id": 7}, "id"),
    ):
        answer = editor.post("/api/v1/items", json=body)
        assert (answer.status_code, fields(answer)) == (422, [field]), body
    assert editor.patch("/api/v1/items/A", json={"base_unit": "KGM"}).status_code == 422
    assert editor.get("/api/v1/items/A").status_code == 404


def test_what_exists_is_a_conflict(editor: Any, transact: Transact, entities: Any) -> None:
    transact(lambda session, now: make_item(session, now, sku="A", gtin=gtin_of(1)))
    assert editor.post("/api/v1/items", json={"sku": "A", "name": "A"}).status_code == 409
    taken = {"sku": "B", "name": "B", "barcodes": [{"gtin": gtin_of(1)}]}
    assert editor.post("/api/v1/items", json=taken).status_code == 409
    transact(lambda session, now: make_item(session, now, sku="B"))
    assert editor.patch("/api/v1/items/B", json={"sku": "A"}).status_code == 409


def test_a_location_is_created_changed_and_hidden_from_others(editor: Any, neighbour: Any, entities: Any) -> None:
    a, b = entities
    made = editor.post("/api/v1/locations", json={"code": "L", "name": "One", "entity": a.code, "gln": gtin_of(1)})
    assert made.status_code == 201
    changed = editor.patch("/api/v1/locations/L", json={"kind": "hub", "time_zone": "Europe/Paris"})
    assert changed.json == made.json | {"kind": "hub", "time_zone": "Europe/Paris"}
    assert editor.get("/api/v1/locations?kind=hub&q=on").json["items"] == [changed.json]
    assert neighbour.get("/api/v1/locations").json["items"] == []
    assert neighbour.get("/api/v1/locations/L").status_code == 404
    assert neighbour.patch("/api/v1/locations/L", json={"name": "Mine"}).status_code == 404
    assert fields(neighbour.post("/api/v1/locations", json={"code": "X", "name": "X", "entity": a.code})) == ["entity"]
    assert neighbour.post("/api/v1/locations", json={"code": "L", "name": "L", "entity": b.code}).status_code == 409
    for never in ("entity", "code"):
        assert fields(editor.patch("/api/v1/locations/L", json={never: "x"})) == [never]


def test_a_neighbour_may_read_an_item_and_take_it_up_but_not_rename_it(
    neighbour: Any, transact: Transact, entities: Any
) -> None:
    a, b = entities
    transact(lambda session, now: make_item(session, now, a.id, sku="A"))
    assert neighbour.get("/api/v1/items/A").json["entities"] == [a.code]
    assert neighbour.get("/api/v1/items").json["items"] == []
    assert fields(neighbour.patch("/api/v1/items/A", json={"name": "Mine"})) == ["sku"]
    both = sorted((a.code, b.code))
    assert neighbour.patch("/api/v1/items/A", json={"entities": both}).json["entities"] == both
    assert fields(neighbour.patch("/api/v1/items/A", json={"entities": [b.code]})) == ["entities"]


def test_reading_is_not_editing(api: Any, token: Any, transact: Transact, entities: Any) -> None:
    a, _ = entities
    transact(lambda session, now: (make_item(session, now, sku="A"), make_location(session, now, a.id, code="L")))
    reader = api(token(a, READ))
    for path in ("items", "items/A", "locations", "locations/L", "units", "units/EA", "categories"):
        assert reader.get(f"/api/v1/{path}").status_code == 200, path
    for path in ("items", "locations", "units", "categories", "items/import", "locations/import"):
        assert reader.post(f"/api/v1/{path}", json={}).status_code == 403, path
    for path in ("items/A", "locations/L", "units/EA", "categories/X"):
        assert reader.patch(f"/api/v1/{path}", json={}).status_code == 403, path


def test_units_are_listed_added_and_renamed(editor: Any, entities: Any) -> None:
    assert editor.get("/api/v1/units/KGM").json == {"code": "KGM", "name": "kilogram", "dimension": "mass"}
    assert editor.post("/api/v1/units", json={"code": "KGM", "name": "Kilo"}).status_code == 409
    assert fields(editor.post("/api/v1/units", json={"code": "STN", "name": "Stone", "dimension": "mass"})) == [
        "dimension"
    ]
    assert editor.get("/api/v1/units/NONE").status_code == 404
    assert len(editor.get("/api/v1/units").json["items"]) > 40


def test_a_dry_run_tells_and_does_nothing(editor: Any, entities: Any) -> None:
    a, _ = entities
    file = {"data": f"sku,name,entities\nA,a,{a.code}\nB,b,\n".encode(), "content_type": "text/csv"}
    told = editor.post("/api/v1/items/import?dry_run=true", **file)
    assert told.json == {
        "rows": 2,
        "created": 2,
        "updated": 0,
        "requested": 0,
        "outcomes": [{"row": row, "name": name, "outcome": "created"} for row, name in ((2, "A"), (3, "B"))],
        "dry_run": True,
    }
    assert editor.get("/api/v1/items/A").status_code == 404
    assert editor.post("/api/v1/items/import", **file).json == told.json | {"dry_run": False}
    assert editor.get("/api/v1/items/A").status_code == 200
    assert editor.post("/api/v1/items/import", **file).json["created"] == 0


def test_a_bad_file_is_refused_with_row_and_column(editor: Any, entities: Any) -> None:
    a, _ = entities
    text = f"code,name,entity,gln\nX,X,{a.code},\nY,Y,{a.code},123\n"
    answer = editor.post("/api/v1/locations/import", data=text.encode(), content_type="text/csv")
    assert answer.status_code == 422
    assert answer.json["type"].endswith("import-refused")
    [error] = answer.json["errors"]
    assert (error["row"], error["field"], error["value"]) == (3, "gln", "123")
    assert editor.get("/api/v1/locations/X").status_code == 404
