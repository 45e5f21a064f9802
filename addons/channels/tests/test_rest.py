"""REST: the registry and the inbox, as programs see them."""

from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
from onhand_channels.testing import event, make_channel
from onhand_master_data.testing import make_item, make_location

ALL = ("channels.read", "channels.edit", "channels.approve", "channels.replay")
CHANNELS = "/api/v1/channels"


@pytest.fixture
def clerk(api, token, shop):
    return api(token(shop.entity, *ALL))


@pytest.fixture
def neighbour(api, token, entities):
    return api(token(entities[1], *ALL))


def test_a_channel_is_created_read_changed_and_listed(clerk, transact, shop):
    transact(lambda session, now: make_location(session, now, shop.entity.id, code="S2"))
    body = {"code": "web-1", "name": "Web", "kind": "ecommerce", "entity": "A", "locations": ["S2", "S1"]}
    made = clerk.post(CHANNELS, json=body)
    assert (made.status_code, made.headers["Location"]) == (201, f"{CHANNELS}/web-1")
    assert made.json == body | {"state": "proposed", "active": False}
    assert clerk.get(f"{CHANNELS}/web-1").json == made.json
    changed = clerk.patch(f"{CHANNELS}/web-1", json={"name": "Shop", "locations": ["S1"]})
    assert changed.json == made.json | {"name": "Shop", "locations": ["S1"]}
    assert [one["code"] for one in clerk.get(CHANNELS).json["items"]] == ["till-1", "web-1"]
    for query, found in (
        ("state=proposed", ["web-1"]),
        ("kind=pos", ["till-1"]),
        ("q=sho", ["web-1"]),
        ("q=till", ["till-1"]),
    ):
        assert [one["code"] for one in clerk.get(f"{CHANNELS}?{query}").json["items"]] == found, query
    assert clerk.post(CHANNELS, json=body).status_code == 409


def test_wrong_fields_are_named(clerk, shop):
    good = {"code": "web-1", "name": "Web", "kind": "ecommerce", "entity": "A"}
    for wrong, field in (
        ({"code": "a b"}, "code"), ({"code": "x" * 65}, "code"), ({"code": "a\x00"}, "code"), ({"name": ""}, "name"),
        ({"kind": "shop"}, "kind"), ({"entity": "B"}, "entity"), ({"locations": ["S9"]}, "locations"),
        ({"locations": "S1"}, "locations"), ({"color": "red"}, "color"),
    ):  # fmt: skip
        answer = clerk.post(CHANNELS, json=good | wrong)
        assert answer.status_code == 422, wrong
        assert [error["field"] for error in answer.json["errors"]] == [field]
    assert clerk.patch(f"{CHANNELS}/till-1", json={"code": "till-2"}).status_code == 422
    assert clerk.patch(f"{CHANNELS}/till-1", json={"entity": "B"}).status_code == 422


def test_another_entitys_channel_is_not_there(neighbour, shop):
    shop.tell(shop.event("sale", {"TEA": 1}, id="s-1"))
    assert neighbour.get(CHANNELS).json["items"] == []
    for path in ("", "/events", "/event?id=s-1", "/conflicts", "/latency", "/order_lines?order=o"):
        assert neighbour.get(f"{CHANNELS}/till-1{path}").status_code == 404, path
    for path, body in (
        ("replay", {}),
        ("replay", {"ids": ["s-1"]}),
        ("conflicts/settle", {"ids": ["s-1"], "note": "x"}),
    ):
        assert neighbour.post(f"{CHANNELS}/till-1/{path}", json=body).status_code == 404, path
    assert neighbour.patch(f"{CHANNELS}/till-1", json={"name": "Mine"}).status_code == 404


def test_a_channels_own_token_sees_that_channel_alone(api, token, shop, transact):
    transact(lambda session, now: make_channel(session, now, shop.entity.id, code="till-2"))
    own = api(token(shop.entity, *ALL, source="till-1"))
    assert [one["code"] for one in own.get(CHANNELS).json["items"]] == ["till-1"]
    assert own.get(f"{CHANNELS}/till-1").status_code == 200
    assert own.get(f"{CHANNELS}/till-2").status_code == 404
    assert own.post(f"{CHANNELS}/till-2/replay", json={}).status_code == 404


@pytest.mark.parametrize("code", ["x%00y", "..", "%F0%9F%92%A9", "till-1%0A", "x" * 300])
def test_codes_that_can_be_nobodys_are_not_found(clerk, code):
    assert clerk.get(f"{CHANNELS}/{code}/events").status_code in {404, 308}


def test_the_inbox_is_listed_newest_first_and_narrowed(clerk, shop):
    shop.tell(shop.event("receipt", {"TEA": 1}, id="r-1"))
    shop.tell(shop.event("sale", {"NEW": 1}, id="s-1"), shop.event("sale", {"TEA": 1}, id="s-2"))

    def ids(query=""):
        return [one["id"] for one in clerk.get(f"{CHANNELS}/till-1/events?{query}").json["items"]]

    assert ids() == ["s-2", "s-1", "r-1"]
    assert ids("outcome=parked") == ids("reason=unknown_item") == ids("id=s-1") == ["s-1"]
    assert ids("outcome=posted") == ["s-2", "r-1"]
    assert ids("type=onhand.receipt.v1") == ["r-1"]
    assert ids("outcome=posted&reason=unknown_item") == []
    [parked] = clerk.get(f"{CHANNELS}/till-1/events?outcome=parked").json["items"]
    assert (parked["reason"], parked["detail"]) == ("unknown_item", "there is no active item 'NEW'")
    assert parked["mend"] == "Enter the item, or activate it, then replay."
    assert clerk.get(f"{CHANNELS}/till-1/events?outcome=lost").status_code == 422


def test_the_inbox_is_paged_without_gaps_or_repeats(clerk, shop):
    told = [shop.event("sale", {"TEA": 1}) for _ in range(25)]
    shop.tell(*told[:20])
    shop.tell(*told[20:])
    seen, cursor = [], ""
    while cursor is not None:
        page = clerk.get(f"{CHANNELS}/till-1/events?limit=10" + (f"&cursor={cursor}" if cursor else "")).json
        seen += [one["id"] for one in page["items"]]
        cursor = page["next"]
    assert len(seen) == 25
    assert set(seen) == {one["id"] for one in told}
    assert set(seen[:5]) == {one["id"] for one in told[20:]}


@pytest.mark.parametrize("event_id", ["s-1", "a/b//c", "/lead", "trail/", "ü ö?&#%", "..", ".", "a/../b"])
def test_one_event_is_shown_with_its_body_entries_and_conflicts(clerk, shop, event_id):
    first = shop.event("sale", {"TEA": 120}, id=event_id)
    second = shop.event("sale", {"TEA": 1}, id=event_id)
    shop.tell(first, second)
    found = clerk.get(f"{CHANNELS}/till-1/event?id={quote(event_id, safe='')}")
    assert found.status_code == 200, found.text
    shown = found.json
    assert shown["id"] == event_id
    assert [(one["kind"], one["sku"], one["quantity"], one["from_state"]) for one in shown["entries"]] == [
        ("sale", "TEA", 100, "available"), ("sale", "TEA", 20, "shortage"),
    ]  # fmt: skip
    assert [one["from_location"] for one in shown["entries"]] == ["S1", "S1"]
    assert '"quantity":120' in shown["body"]
    assert ['"quantity":1' in one["body"] for one in shown["conflicts"]] == [True]
    assert clerk.get(f"{CHANNELS}/till-1/events?id={quote(event_id, safe='')}").json["items"][0]["id"] == event_id


def test_an_event_that_is_not_there_is_not_found(clerk, shop):
    for event_id, status in (("none", 404), ("%FF", 404), ("a%00b", 422), ("", 422), ("x" * 256, 422)):
        assert clerk.get(f"{CHANNELS}/till-1/event?id={event_id}").status_code == status, event_id


def test_parked_events_are_replayed_by_id_or_all_in_rounds(clerk, shop, transact):
    shop.tell(*(shop.event("sale", {"NEW": 1}, id=f"s-{n:04}") for n in range(1_000)))
    shop.tell(*(shop.event("sale", {"NEW": 1}, id=f"t-{n}") for n in range(3)))
    transact(lambda session, now: make_item(session, now, shop.entity.id, sku="NEW"))
    answer = clerk.post(f"{CHANNELS}/till-1/replay", json={"ids": ["t-1", "t-1", "unheard of"]}).json
    assert [(one["id"], one["outcome"]) for one in answer["results"]] == [("t-1", "posted")]
    first = clerk.post(f"{CHANNELS}/till-1/replay", json={}).json
    assert (len(first["results"]), first["next"]) == (1_000, "s-0999")
    rest = clerk.post(f"{CHANNELS}/till-1/replay", json={"after": first["next"]}).json
    assert ([one["id"] for one in rest["results"]], rest["next"]) == (["t-0", "t-2"], None)
    for wrong in ({"ids": []}, {"ids": "t-1"}, {"ids": ["x" * 256]}, {"ids": ["a\x00"]}, {"all": True}):
        assert clerk.post(f"{CHANNELS}/till-1/replay", json=wrong).status_code == 422, wrong


def test_conflicts_are_listed_and_settled(clerk, shop):
    shop.tell(*(shop.event("sale", {"TEA": n}, id="s-1") for n in (1, 2, 3)))
    [one, two] = clerk.get(f"{CHANNELS}/till-1/conflicts").json["items"]
    assert one["id"] == two["id"] == "s-1"
    assert clerk.post(f"{CHANNELS}/till-1/conflicts/settle", json={"ids": ["s-1"]}).status_code == 422
    settle = {"ids": ["s-1", "s-2"], "note": "counted"}
    assert clerk.post(f"{CHANNELS}/till-1/conflicts/settle", json=settle).json == {"ids": ["s-1"]}
    assert clerk.post(f"{CHANNELS}/till-1/conflicts/settle", json=settle).json == {"ids": []}
    assert clerk.get(f"{CHANNELS}/till-1/conflicts").json["items"] == []
    settled = clerk.get(f"{CHANNELS}/till-1/conflicts?status=settled").json["items"]
    assert [(found["note"], found["settled_by"][:6]) for found in settled] == [("counted", "token:")] * 2


def test_latency_is_reported_against_the_policy(clerk, shop):
    now = datetime.now(UTC)
    shop.tell(*(shop.event("sale", {"TEA": 1}, time=now - timedelta(minutes=10)) for _ in range(3)))
    shop.tell(shop.event("receipt", {"TEA": 1}))
    report = clerk.get(f"{CHANNELS}/till-1/latency?hours=2").json
    assert (report["channel"], report["hours"], report["limit_seconds"]) == ("till-1", 2, 300)
    assert [(one["type"], one["events"], one["breach"]) for one in report["types"]] == [
        (None, 4, True), ("onhand.receipt.v1", 1, False), ("onhand.sale.v1", 3, True),
    ]  # fmt: skip
    assert 600 <= report["types"][2]["p50_seconds"] <= report["types"][2]["max_seconds"] < 700
    assert clerk.get(f"{CHANNELS}/till-1/latency?hours=0").status_code == 422


def test_an_orders_lines_are_looked_up(clerk, shop):
    shop.tell(
        shop.event("order", [{"sku": "TEA", "quantity": 5, "line": 1}], order="o/1"),
        shop.event("shipment", [{"sku": "TEA", "quantity": 2, "line": 1}], order="o/1"),
    )
    assert clerk.get(f"{CHANNELS}/till-1/order_lines?order=o%2F1").json == {
        "items": [{"line": "1", "sku": "TEA", "ordered": 5, "cancelled": 0, "fulfilled": 2, "returned": 0}]
    }
    assert clerk.get(f"{CHANNELS}/till-1/order_lines?order=none").json == {"items": []}
    assert clerk.get(f"{CHANNELS}/till-1/order_lines").status_code == 422


def test_who_may_only_read_changes_nothing(api, token, shop):
    reader = api(token(shop.entity, "channels.read"))
    assert reader.get(f"{CHANNELS}/till-1").status_code == 200
    for method, path in (
        ("post", ""), ("patch", "/till-1"), ("post", "/till-1/replay"), ("post", "/till-1/conflicts/settle"),
    ):  # fmt: skip
        assert getattr(reader, method)(CHANNELS + path, json={}).status_code == 403, path


def test_all_of_it_is_described(client):
    described = client.get("/api/v1/openapi.json").json
    paths = {path for path in described["paths"] if path.startswith(CHANNELS) or path == "/api/v1/events"}
    below = (
        "",
        "/events",
        "/event",
        "/replay",
        "/conflicts",
        "/conflicts/settle",
        "/latency",
        "/order_lines",
        "/transitions",
        "/checklist",
        "/shadow",
        "/shadow/lines",
        "/shadow/replay",
        "/health",
        "/mode",
        "/feed",
        "/feed/retry",
        "/reports",
        "/reports/acknowledge",
    )
    assert paths == {"/api/v1/events", CHANNELS, *(f"{CHANNELS}/{{code}}{path}" for path in below)}
    door = described["paths"]["/api/v1/events"]["post"]
    assert door["x-permission"] == "channels.post_events"
    assert set(door["requestBody"]["content"]) >= {"application/cloudevents+json", "application/cloudevents-batch+json"}


def test_a_token_of_no_channel_may_tell_for_each_by_its_source(api, token, shop, transact):
    other = transact(lambda session, now: make_channel(session, now, shop.entity.id, code="till-2"))
    program = api(token(shop.entity, "channels.post_events"))
    batch = [
        event(other, "sale", {"TEA": 1}, location="S1"), shop.event("sale", {"TEA": 1}), {"id": "lost"},
        event(other, "sale", {"TEA": 1}, location="S1"), shop.event("sale", {"TEA": 1}, source="a\x00b"),
    ]  # fmt: skip
    results = program.post("/api/v1/events", json=batch).json["results"]
    assert [one["outcome"] for one in results] == ["posted", "posted", "refused", "posted", "refused"]
    assert [one["id"] for one in results] == [one["id"] for one in batch]
    answer = program.post("/api/v1/events", json=[shop.event("sale", {"TEA": 1}), event("till-9", "sale", {"TEA": 1})])
    assert (answer.status_code, answer.json["channels"]) == (404, ["till-9"])
    assert shop.states() == {"available": 97}
