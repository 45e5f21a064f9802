"""REST as programs see it: balances, the ledger, counts and reversals; refusals that say why, walls that answer 404."""

from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from onhand.access.services import RoleAt
from onhand_master_data.testing import make_item, make_location

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
READ, ADJUST = "stock.read", "stock.adjust"
BALANCES, MOVEMENTS, COUNTS = "/api/v1/balances", "/api/v1/movements", "/api/v1/counts"
_keys = count(1)


@pytest.fixture
def program(api, token, shop):
    """A program of entity A that may read and adjust."""
    return api(token(shop.entity, READ, ADJUST))


@pytest.fixture
def post(program):
    """Send a JSON body under a new key, or the one given."""

    def send(path, body, key=None, client=program):
        return client.post(path, json=body, headers={"Idempotency-Key": key or f"key-{next(_keys)}"})

    return send


def items(answer):
    assert answer.status_code == 200, answer.text
    return answer.json["items"]


def get(client, path, **query):
    return client.get(path, query_string=query)


def test_a_balance_has_every_state_and_what_is_on_hand(program, shop):
    shop.receive(5)
    shop.take_back(2)
    [row] = items(get(program, BALANCES, sku=shop.item.sku, location="S1"))
    assert (row["sku"], row["location"], row["unit"], row["on_hand"]) == (shop.item.sku, "S1", "EA", 7)
    assert {state: units for state, units in row["states"].items() if units} == {"available": 5, "customer_returned": 2}
    assert len(row["states"]) == 12


def test_balances_are_paged_by_item(program, shop):
    for item in shop.items[:5]:
        shop.receive(1, item)
    first = get(program, BALANCES, limit=2)
    rest = get(program, BALANCES, limit=50, cursor=first.json["next"])
    skus = [row["sku"] for row in items(first) + items(rest)]
    assert skus == [item.sku for item in shop.items[:5]]
    assert rest.json["next"] is None
    assert get(program, BALANCES, sku=shop.item.sku, cursor=first.json["next"]).status_code == 400


def test_balances_are_narrowed_by_state(program, shop):
    shop.receive(1, shop.items[0])
    shop.sell(1, shop.items[1])
    [row] = items(get(program, BALANCES, state="shortage"))
    assert row["sku"] == shop.items[1].sku


def test_balances_are_shown_as_they_were(program, shop):
    shop.receive(10, occurred_at=NOON)
    shop.sell(3, occurred_at=NOON + timedelta(hours=2))
    at = NOON + timedelta(hours=1)
    assert [row["on_hand"] for row in items(get(program, BALANCES, at=at.isoformat()))] == [10]
    known_at = shop.entries()[1].recorded_at
    assert [row["on_hand"] for row in items(get(program, BALANCES, known_at=known_at.isoformat()))] == [10]
    early = (NOON - timedelta(days=1)).isoformat()
    assert [row["on_hand"] for row in items(get(program, BALANCES, at=early))] == [0]


def test_the_ledger_is_listed_newest_first(program, shop):
    shop.receive(5, occurred_at=NOON, document="delivery:7")
    shop.sell(2, document="till:1/9")
    sale, receipt = items(get(program, MOVEMENTS, sku=shop.item.sku))
    assert (receipt["kind"], receipt["quantity"], receipt["document"]) == ("receipt", 5, "delivery:7")
    assert receipt["from"] == {"location": None, "state": "supplier", "after": None}
    assert receipt["to"] == {"location": "S1", "state": "available", "after": 5}
    assert sale["from"] == {"location": "S1", "state": "available", "after": 3}
    assert (sale["actor"], sale["reverses"]) == ("system:test", None)
    assert items(get(program, MOVEMENTS, state="shortage")) == []
    assert [row["id"] for row in items(get(program, MOVEMENTS, location="S1"))] == [sale["id"], receipt["id"]]
    one = program.get(f"{MOVEMENTS}/{sale['id']}")
    assert one.json == sale | {"reversed_by": []}


@pytest.mark.parametrize("narrowed", [True, False])
def test_the_ledger_is_paged(program, shop, narrowed):
    for n in range(5):
        shop.receive(n + 1)
    query = {"sku": shop.item.sku} if narrowed else {}
    seen, cursor = [], None
    while True:
        answer = get(program, MOVEMENTS, limit=2, **query, **({"cursor": cursor} if cursor else {}))
        seen += [row["quantity"] for row in items(answer)]
        cursor = answer.json["next"]
        if cursor is None:
            break
    assert seen == [5, 4, 3, 2, 1]


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        (BALANCES, {"sku": "NO-SUCH"}, 404),
        (BALANCES, {"location": "NOWHERE"}, 404),
        (BALANCES, {"location": "S2"}, 404),
        (MOVEMENTS, {"location": "S2"}, 404),
        (MOVEMENTS, {"state": "lost"}, 422),
        (MOVEMENTS, {"at": "2026-01-05T12:00:00"}, 422),
        (MOVEMENTS, {"at": "0001-01-01T00:00:00+05:00"}, 422),
        (BALANCES, {"known_at": "9999-12-31T23:59:59-05:00"}, 422),
        (MOVEMENTS, {"limit": 0}, 422),
        (f"{MOVEMENTS}/7", {}, 404),
        (f"{MOVEMENTS}/20260231T000000.000000Z-7", {}, 404),
        (f"{MOVEMENTS}/20260105T000000.000000Z-7", {}, 404),
    ],
)
def test_what_is_not_there_and_what_is_anothers_are_alike(program, other_shop, path, query, status):
    other_shop.receive(1)
    assert get(program, path, **query).status_code == status


def test_an_entity_sees_neither_anothers_balances_nor_its_entries(api, token, program, shop, other_shop):
    other_shop.receive(4)
    [theirs] = items(get(api(token(other_shop.entity, READ)), MOVEMENTS))
    assert items(get(program, BALANCES)) == items(get(program, MOVEMENTS)) == []
    assert program.get(f"{MOVEMENTS}/{theirs['id']}").status_code == 404
    both = api(token(None, READ))
    assert [row["location"] for row in items(get(both, BALANCES))] == ["S2"]


def test_reading_does_not_let_one_adjust(api, token, shop, post):
    shop.receive(1)
    reader = api(token(shop.entity, READ))
    [entry] = items(get(reader, MOVEMENTS))
    assert post(f"{MOVEMENTS}/{entry['id']}/reverse", {"reason": "x"}, client=reader).status_code == 403
    assert post(COUNTS, {}, client=reader).status_code == 403


def counted(shop, *lines, at=None, **more):
    lines = [{"sku": item.sku, "counted": units} for item, units in lines]
    return {"location": shop.location.code, "counted_at": (at or NOON).isoformat(), "lines": lines, **more}


def test_a_count_posts_the_difference_and_says_what_was_expected(shop, post, books_agree):
    a, b = shop.items[:2]
    shop.receive(5, a, occurred_at=NOON - timedelta(hours=1))
    answer = post(COUNTS, counted(shop, (a, 3), (b, 2), reason="monthly"))
    assert answer.status_code == 201, answer.text
    assert [(line["sku"], line["counted"], line["expected"], line["adjustment"]) for line in answer.json["lines"]] == [
        (a.sku, 3, 5, -2),
        (b.sku, 2, 0, 2),
    ]
    assert (shop.states(a), shop.states(b)) == ({"available": 3}, {"available": 2})
    entry = shop.entries(a)[0]
    assert (entry.kind, entry.reason, entry.actor[:6]) == ("count_adjustment", "monthly", "token:")
    books_agree()


def test_a_count_names_the_position_its_list_was_made_at(program, shop, post):
    shop.receive(5, occurred_at=NOON - timedelta(hours=1))
    position = items(get(program, MOVEMENTS, sku=shop.item.sku))[0]["id"]
    shop.sell(2, occurred_at=NOON + timedelta(hours=1))
    body = counted(shop, (shop.item, 4))
    body["lines"][0]["position"] = position
    assert post(COUNTS, body).json["lines"][0]["adjustment"] == -1
    assert shop.states() == {"available": 2}


def test_a_count_sent_again_under_its_key_counts_once(shop, post):
    body = counted(shop, (shop.item, 4))
    first, again = post(COUNTS, body, "k"), post(COUNTS, body, "k")
    assert (first.status_code, again.status_code, again.json) == (201, 201, first.json)
    assert len(shop.entries()) == 1
    other = post(COUNTS, counted(shop, (shop.item, 5)), "k")
    assert (other.status_code, other.json["type"]) == (422, "/problems/idempotency-key-reused")


def test_a_count_without_a_key_is_not_taken(program, shop):
    answer = program.post(COUNTS, json=counted(shop, (shop.item, 4)))
    assert (answer.status_code, answer.json["type"]) == (400, "/problems/idempotency-key-missing")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"lines": []}, "lines"),
        ({"lines": [{"sku": "{sku}", "counted": -1}]}, "lines[0].counted"),
        ({"lines": [{"sku": "{sku}", "counted": 1.5}]}, "lines[0].counted"),
        ({"lines": [{"sku": "{sku}", "counted": 3_000_000_000}]}, "lines[0].counted"),
        ({"lines": [{"sku": "{sku}", "counted": 1}, {"sku": "{sku}", "counted": 1}]}, "lines[0].sku"),
        ({"lines": [{"sku": "NO-SUCH", "counted": 1}]}, "lines[0].sku"),
        ({"lines": [{"sku": "{theirs}", "counted": 1}]}, "lines[0].sku"),
        ({"lines": [{"sku": "{sku}", "counted": 1, "position": "7"}]}, "lines[0].position"),
        ({"counted_at": "2026-01-05T12:00:00"}, "counted_at"),
        ({"counted_at": "2999-01-05T12:00:00Z"}, "counted_at"),
        ({"reason": "x\x00"}, "reason"),
        ({"shelf": "A1"}, "shelf"),
    ],
)
def test_a_bad_count_is_refused_by_the_name_of_the_field(transact, shop, other_shop, post, change, field):
    theirs = transact(lambda session, now: make_item(session, now, other_shop.entity.id))
    body = counted(shop, (shop.item, 1)) | change
    for line in body["lines"]:
        line["sku"] = line["sku"].format(sku=shop.item.sku, theirs=theirs.sku)
    answer = post(COUNTS, body)
    assert answer.status_code == 422
    assert answer.json["errors"][0]["field"] == field
    assert shop.entries() == []


@pytest.mark.parametrize("location", ["NOWHERE", "S2"])
def test_a_location_out_of_reach_is_not_there_to_be_counted(shop, other_shop, post, location):
    assert post(COUNTS, counted(shop, (shop.item, 1)) | {"location": location}).status_code == 404


def test_a_movement_is_reversed_once(program, shop, post, books_agree):
    shop.receive(5)
    [entry] = items(get(program, MOVEMENTS))
    answer = post(f"{MOVEMENTS}/{entry['id']}/reverse", {"reason": "typed wrongly"}, "k")
    assert answer.status_code == 201, answer.text
    [made] = answer.json["entries"]
    assert (made["reverses"], made["from"]["after"], made["reason"]) == (entry["id"], 0, "typed wrongly")
    assert program.get(f"{MOVEMENTS}/{entry['id']}").json["reversed_by"] == [made["id"]]
    assert post(f"{MOVEMENTS}/{entry['id']}/reverse", {"reason": "typed wrongly"}, "k").json == answer.json
    again = post(f"{MOVEMENTS}/{entry['id']}/reverse", {"reason": "typed wrongly"})
    assert (again.status_code, again.json["type"]) == (409, "/problems/movement-already-reversed")
    assert again.json["reversed_by"] == [made["id"]]
    books_agree()


def test_an_intent_whose_units_moved_on_is_not_undone_and_the_numbers_say_why(program, shop, post):
    from onhand_stock.api import Group

    shop.receive(4)
    shop.post(Group("q", (shop.move("quarantine", 3, "available", "quarantined"),), "q:1", NOON, "test"))
    entry = items(get(program, MOVEMENTS))[0]
    lost = shop.move("use_up", 2, "quarantined", "scrap")
    shop.post(Group("w", (lost,), "w:1", NOON, "test", reason="fire"))
    answer = post(f"{MOVEMENTS}/{entry['id']}/reverse", {"reason": "x"})
    assert (answer.status_code, answer.json["type"]) == (409, "/problems/movement-units-moved-on")
    assert answer.json["shortfalls"] == [{"sku": shop.item.sku, "location": "S1", "requested": 3, "available": 1}]


def test_what_is_undone_otherwise_says_how(program, shop, post):
    shop.count(3)
    [entry] = items(get(program, MOVEMENTS))
    answer = post(f"{MOVEMENTS}/{entry['id']}/reverse", {"reason": "x"})
    assert (answer.status_code, answer.json["type"]) == (409, "/problems/movement-not-reversible")
    assert "counting again" in answer.json["detail"]


def test_a_reversal_needs_a_reason_and_an_entry_in_reach(program, shop, other_shop, post, api, token):
    shop.receive(1)
    [entry] = items(get(program, MOVEMENTS))
    for body in ({}, {"reason": ""}, {"reason": "x" * 2_001}):
        answer = post(f"{MOVEMENTS}/{entry['id']}/reverse", body)
        assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, "reason")
    stranger = api(token(other_shop.entity, READ, ADJUST))
    assert post(f"{MOVEMENTS}/{entry['id']}/reverse", {"reason": "x"}, client=stranger).status_code == 404
    assert shop.states() == {"available": 1}


def test_at_one_location_one_sees_and_counts_only_that_one(transact, shop, api, token, person, post):
    there = transact(lambda session, now: make_location(session, now, shop.entity.id, code="S9"))
    shop.receive(2)
    manager = person(RoleAt("store_manager", shop.entity.id, there.id))
    client = api(token(shop.entity, READ, ADJUST, person=manager))
    assert items(get(client, BALANCES)) == items(get(client, MOVEMENTS)) == []
    assert get(client, BALANCES, location="S1").status_code == 404
    assert post(COUNTS, counted(shop, (shop.item, 1)), client=client).status_code == 404
    body = counted(shop, (shop.item, 1)) | {"location": "S9"}
    assert post(COUNTS, body, client=client).status_code == 201
    assert [row["location"] for row in items(get(client, BALANCES))] == ["S9"]


def test_the_description_has_every_door_with_its_permission(api):
    paths = api(None).get("/api/v1/openapi.json").json["paths"]
    wanted = {
        ("/api/v1/balances", "get"): READ,
        ("/api/v1/movements", "get"): READ,
        ("/api/v1/movements/{name}", "get"): READ,
        ("/api/v1/movements/{name}/reverse", "post"): ADJUST,
        ("/api/v1/counts", "post"): ADJUST,
    }
    assert {(path, verb): paths[path][verb]["x-permission"] for path, verb in wanted} == wanted
    keys = [one.get("name") for one in paths["/api/v1/counts"]["post"]["parameters"]]
    assert "Idempotency-Key" in keys
