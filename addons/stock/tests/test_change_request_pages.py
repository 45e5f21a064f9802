"""A wrong pack is corrected at the pages and over REST, as a steward would do it."""

import re

import pytest
from onhand.approvals.api import Decision, decide
from onhand.db import cursor
from onhand.testing.browser import WIDTHS
from onhand.testing.people import csrf_token, sign_in
from onhand_master_data.api import Pack, items_by_sku
from onhand_master_data.testing import make_item, make_location
from onhand_stock.testing import receive
from playwright.sync_api import expect

FORM = "/master_data/items/TEA/change"


@pytest.fixture
def tea(transact, entities):
    def make(session, now):
        item = make_item(
            session, now, *(entity.id for entity in entities), sku="TEA", name="Tea", packs=(Pack("CS", 12),)
        )
        for entity, units in zip(entities, (24, 36), strict=True):
            shop = make_location(session, now, entity.id, code=f"S-{entity.code}")
            receive(session, now, entity.id, shop.id, {item.id: units})
        return item

    return transact(make)


def text_of(answer):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text))


def latest(transact):
    sql = "SELECT approval_id FROM master_data.change_request ORDER BY id DESC LIMIT 1"
    return transact(lambda session, _: cursor(session).execute(sql).fetchone())[0]


def agree(transact, person):
    decision = Decision(latest(transact), 1, "approve")
    by = person("governance").actor
    return transact(lambda session, now: decide(session, [decision], by=by, now=now))[0]


def test_a_pack_is_corrected_across_two_entities_by_form(client, login, person, transact, entities, tea):
    login(client, "governance", None)
    wish = {"sku": "TEA", "name": "Tea", "packs": "CS=10", "active": "1", "note": "the case is printed wrong"}
    answer = client.post(FORM, data=wish | {"csrf_token": csrf_token(client, FORM)})
    assert answer.status_code == 303
    shown = text_of(client.get(answer.location))
    for expected in (
        "Pending",
        "one CS holds",
        "12 10 EA",
        "A: on hand at 1 location: 24",
        "B: on hand at 1 location: 36",
        "A, B",
        "the case is printed wrong",
        "role governance",
    ):
        assert expected in shown, expected
    assert "one CS holds: 12 → 10" in text_of(client.get("/master_data/items/TEA"))
    assert "one CS holds: 12 → 10" in text_of(client.get("/master_data/requests?status=pending&q=TEA"))
    assert agree(transact, person).status == "approved"
    assert "Applied" in text_of(client.get(answer.location))
    assert transact(lambda session, _: items_by_sku(session, ["TEA"]))["TEA"].packs == (Pack("CS", 10),)
    history = client.get("/master_data/items/TEA").text.partition("What packs held")[2]
    assert re.findall(r'data-label="Holds"[^>]*><div>(\d+)<', history) == ["10", "12"]


def test_a_bad_form_says_what_is_wrong_and_keeps_what_was_given(client, login, entities, tea):
    login(client, "governance", None)
    wish = {"sku": "TEA", "name": "", "packs": "CS=ten", "gtin": "12", "effective_at": "soon"}
    answer = client.post(FORM, data=wish | {"csrf_token": csrf_token(client, FORM)})
    assert answer.status_code == 422
    for expected in ("a pack reads", "give a date and a time", 'value="CS=ten"'):
        assert expected in answer.text
    assert client.get("/master_data/items/NONE/change").status_code == 404


def test_a_request_is_withdrawn_by_whoever_asked(client, login, app, person, entities, tea):
    login(client, "governance", None)
    wish = {"sku": "TEA", "name": "Green tea", "packs": "CS=12", "active": "1"}
    address = client.post(FORM, data=wish | {"csrf_token": csrf_token(client, FORM)}).location
    other = app.test_client()
    sign_in(other, person("governance"), entities[0])
    other.post(f"{address}/withdraw", data={"csrf_token": csrf_token(other, address)})
    assert "Pending" in text_of(other.get(address))
    client.post(f"{address}/withdraw", data={"csrf_token": csrf_token(client, address)})
    assert "Withdrawn" in text_of(client.get(address))


def test_the_same_over_rest(api, token, transact, person, entities, tea):
    editor = api(token(None, "master_data.read", "master_data.edit"))
    answer = editor.patch("/api/v1/items/TEA", json={"packs": [{"unit": "CS", "numerator": 10}], "note": "misprint"})
    assert answer.status_code == 202
    request = answer.json["request"]
    assert (request["status"], request["waits_for"]) == ("pending", ["governance"])
    shown = editor.get(f"/api/v1/change_requests/{request['id']}").json
    assert shown["changes"] == [{"label": "TEA: one CS holds", "before": 12, "after": 10, "unit": "EA"}]
    assert [one["id"] for one in editor.get("/api/v1/change_requests?status=pending").json["items"]] == [request["id"]]
    assert editor.get("/api/v1/change_requests?status=applied").json["items"] == []
    agree(transact, person)
    assert editor.get(f"/api/v1/change_requests/{request['id']}").json["status"] == "applied"
    assert editor.post(f"/api/v1/change_requests/{request['id']}/withdraw").status_code == 422
    assert editor.patch("/api/v1/items/TEA", json={"name": tea.name}).status_code == 200, "nothing is different"


def test_a_request_of_another_entity_is_not_there(api, token, transact, entities, tea):
    a, b = entities
    transact(lambda session, now: receive(
        session, now, b.id, make_location(session, now, b.id, code="ONLY-B").id,
        {make_item(session, now, b.id, sku="THEIRS").id: 1},
    ))  # fmt: skip
    theirs = api(token(b, "master_data.read", "master_data.edit"))
    request = theirs.patch("/api/v1/items/THEIRS", json={"name": "New"}).json["request"]
    mine = api(token(a, "master_data.read", "master_data.edit"))
    assert mine.get(f"/api/v1/change_requests/{request['id']}").status_code == 404
    assert mine.post(f"/api/v1/change_requests/{request['id']}/withdraw").status_code == 404
    assert mine.get("/api/v1/change_requests").json["items"] == []
    assert theirs.patch("/api/v1/locations/ONLY-B", json={"name": "Shop"}).status_code == 202


@pytest.mark.browser
@pytest.mark.parametrize("width", WIDTHS)
def test_a_change_is_asked_for_in_a_browser(visit, person, entities, tea, width):
    here = visit(person("governance"), "/master_data/items/TEA", width=width)
    page = here.page
    page.get_by_role("link", name="Change", exact=True).click()
    page.get_by_label("Packs").fill("CS=10")
    page.get_by_label("Because").fill("misprint")
    page.get_by_label("Packs").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("one CS holds: 12 → 10")
    here.judge("request")
    here.goto("/master_data/items/TEA")
    expect(page.get_by_text("Waits for consent:")).to_be_visible()
    here.judge("item")


def test_a_location_and_a_unit_are_changed_by_form_and_by_request_once_in_use(
    client, login, person, transact, entities, tea
):
    login(client, "governance", None)
    form = "/master_data/locations/S-A/change"
    wish = {"name": "Harbour", "kind": "store", "time_zone": "UTC", "active": "1", "note": "moved"}
    bad = client.post(form, data=wish | {"name": "", "gln": "1", "csrf_token": csrf_token(client, form)})
    assert bad.status_code == 422
    assert "moved" in bad.text
    answer = client.post(form, data=wish | {"csrf_token": csrf_token(client, form)})
    assert (answer.status_code, "/master_data/requests/" in answer.location) == (303, True), "stock is held there"
    assert "Waits for consent:" in text_of(client.get("/master_data/locations/S-A"))
    assert agree(transact, person).status == "approved"
    assert "Harbour" in text_of(client.get("/master_data/locations/S-A"))
    assert client.get("/master_data/locations/NONE/change").status_code == 404
    form = "/master_data/units/CS/change"
    answer = client.post(form, data={"name": "Crate", "csrf_token": csrf_token(client, form)})
    assert "/master_data/requests/" in answer.location, "an item has it"
    form = "/master_data/units/PX/change"
    client.post(form, data={"name": "Tray", "csrf_token": csrf_token(client, form)})
    assert "Tray" in text_of(client.get("/master_data/units"))
