"""Pages: what people see of items and locations, and the import that checks before it applies."""

import io
import re
from collections.abc import Callable
from typing import Any

import pytest
from onhand.access.services import RoleAt
from onhand.testing.people import sign_in
from onhand_master_data.api import Pack
from onhand_master_data.testing import gtin_of, make_item, make_items, make_location

Transact = Callable[..., Any]


@pytest.fixture
def steward(client: Any, login: Any, entities: Any) -> Any:
    login(client, "admin", entities[0])
    return client


def text_of(answer: Any) -> str:
    assert answer.status_code == 200, answer.text
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text))


def upload(steward: Any, content: str, *, what: str = "items", action: str = "check") -> Any:
    form = steward.get("/master_data/import").text
    csrf = re.search(r'name="csrf_token" value="([^"]+)"', form)
    assert csrf
    data = {
        "what": what,
        "action": action,
        "csrf_token": csrf[1],
        "file": (io.BytesIO(content.encode()), "file.csv"),
    }
    return steward.post("/master_data/import", data=data)


def test_the_list_shows_what_the_entity_stocks(steward: Any, transact: Transact, entities: Any) -> None:
    a, b = entities
    transact(lambda session, now: make_item(session, now, a.id, sku="MINE", name="Tea"))
    transact(lambda session, now: make_item(session, now, b.id, sku="THEIRS", name="Coffee"))
    shown = text_of(steward.get("/master_data/items"))
    assert "MINE" in shown
    assert "Import" in shown
    assert "THEIRS" not in shown
    assert "THEIRS" in text_of(steward.get("/master_data/items?stocked=group"))
    assert "MINE" in text_of(steward.get("/master_data/items?q=te"))
    assert "No item matches" in text_of(steward.get("/master_data/items?q=%00%25"))


def test_next_leads_through_the_whole_list(steward: Any, transact: Transact, entities: Any) -> None:
    a, _ = entities
    items = transact(lambda session, now: make_items(session, now, 120, a.id))
    seen: list[str] = []
    address: str | None = "/master_data/items?q=SKU-"
    while address:
        page = steward.get(address).text
        seen += re.findall(r'href="/master_data/items/([^"?]+)"', page)
        found = re.search(r'rel="next" href="([^"]+)"', page)
        address = found[1].replace("&amp;", "&") if found else None
    assert seen == sorted(item.sku for item in items)


def test_an_items_page_says_what_it_is(steward: Any, transact: Transact, entities: Any) -> None:
    a, _ = entities
    packs = (Pack("CS", 12), Pack("BX", 5, 2))
    transact(lambda session, now: make_item(session, now, a.id, sku="A", name="<b>Tea", packs=packs, gtin=gtin_of(1)))
    answer = steward.get("/master_data/items/A")
    shown = text_of(answer)
    for expected in (gtin_of(1).zfill(14), "case (CS)", "12", "5/2", f"({a.code})"):
        assert expected in shown
    assert "<b>Tea" not in answer.text
    assert steward.get("/master_data/items/NONE").status_code == 404


def test_locations_of_another_entity_are_not_there(steward: Any, transact: Transact, entities: Any) -> None:
    a, b = entities
    transact(lambda session, now: make_location(session, now, a.id, code="L-A", kind="hub"))
    transact(lambda session, now: make_location(session, now, b.id, code="L-B"))
    shown = text_of(steward.get("/master_data/locations"))
    assert "L-A" in shown
    assert "L-B" not in shown
    assert "L-A" not in text_of(steward.get("/master_data/locations?kind=store"))
    assert "Hub" in text_of(steward.get("/master_data/locations/L-A"))
    assert steward.get("/master_data/locations/L-B").status_code == 404


def test_a_file_is_checked_then_imported(steward: Any, entities: Any) -> None:
    a, _ = entities
    content = f"sku,name,entities\nA,Tea,{a.code}\n"
    assert "1 would be created" in text_of(upload(steward, content))
    assert steward.get("/master_data/items/A").status_code == 404
    assert upload(steward, content, action="import").status_code == 303
    assert "Tea" in text_of(steward.get("/master_data/items/A"))


def test_a_bad_file_shows_row_column_and_value(steward: Any, entities: Any) -> None:
    for action in ("check", "import"):
        answer = upload(steward, "sku,name,gtin\nA,Tea,<i>12\n", action=action)
        assert answer.status_code == 422
        assert "a GTIN has 8, 12, 13 or 14 digits" in answer.text
        assert "&lt;i&gt;12" in answer.text
    assert steward.get("/master_data/items/A").status_code == 404
    assert upload(steward, "", what="nonsense").status_code == 422


def test_an_auditor_sees_and_cannot_import(client: Any, login: Any, entities: Any) -> None:
    login(client, "auditor", entities[0])
    for page in ("/master_data/items", "/master_data/locations"):
        assert "/master_data/import" not in client.get(page).text
    assert client.get("/master_data/import").status_code == 403


def test_who_works_at_one_location_sees_and_changes_no_other(
    client: Any, person: Any, transact: Transact, entities: Any
) -> None:
    a, _ = entities
    here = transact(lambda session, now: make_location(session, now, a.id, code="HERE"))
    transact(lambda session, now: make_location(session, now, a.id, code="THERE"))
    local = person(RoleAt("governance", a.id, here.id))
    sign_in(client, local, a)
    shown = text_of(client.get("/master_data/locations"))
    assert "HERE" in shown
    assert "THERE" not in shown
    assert client.get("/master_data/locations/HERE").status_code == 200
    assert client.get("/master_data/locations/THERE").status_code == 404
    assert "/master_data/import" not in client.get("/master_data/items").text
    assert upload(client, "sku,name\nA,a\n").status_code == 403
