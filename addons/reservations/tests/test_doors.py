"""Holds over REST: the answers, whose holds they are, and what is refused by name."""

from uuid import uuid4

import pytest
from onhand.access.services import RoleAt
from onhand.policies.book import Where
from onhand.policies.services import set_policy
from onhand_channels.testing import make_channel
from onhand_reservations.testing import TESTER

READ, HOLD = "reservations.read", "reservations.hold"


def body(shop, quantity=1, **more):
    return {
        "channel": shop.channel.code,
        "reference": "web-1",
        "lines": [{"sku": shop.sku, "quantity": quantity}],
    } | more


@pytest.fixture
def held(shop, program):
    """A hold of two units, as its maker was answered."""
    shop.stock(5)
    return program.post("/reservations", body(shop, 2)).json


def test_a_hold_is_answered_as_it_stands_and_looked_up_the_same(shop, program, held):
    assert held["status"] == "held"
    assert held["lines"] == [
        {"line": 1, "sku": shop.sku, "location": "A1", "quantity": 2, "fulfilled": 0, "released": 0}
    ]
    assert (held["reference"], held["channel"], held["replaces"]) == ("web-1", "web-a", None)
    assert program.get(f"/reservations/{held['id']}").json == held


def test_a_created_hold_is_201_and_a_refused_one_409_with_the_numbers(shop, program, held):
    assert program.post("/reservations", body(shop)).status_code == 201
    answer = program.post("/reservations", body(shop, 3))
    assert (answer.status_code, answer.content_type) == (409, "application/problem+json")
    assert answer.json["type"] == "/problems/out-of-stock"
    assert answer.json["shortfalls"] == [{"line": 1, "sku": shop.sku, "location": "A1", "requested": 3, "available": 2}]
    assert answer.json["as_of"]


def test_what_a_guard_objects_to_is_409_with_its_reason_and_nothing_is_noted_as_short(shop, program, transact):
    shop.stock(5)
    where = Where(item_id=shop.item.id, entity_id=shop.entity.id)
    transact(lambda session, now: set_policy(session, "stock.stopped", True, where, by=TESTER, now=now))
    answer = program.post("/reservations", body(shop))
    assert (answer.status_code, answer.json["type"]) == (409, "/problems/hold-not-allowed")
    assert (answer.json["reason"], shop.sku in answer.json["detail"]) == ("stopped", True)
    assert shop.states() == {"available": 5}


def test_a_hold_goes_its_whole_way_over_rest(shop, program, held, books_agree):
    address = f"/reservations/{held['id']}"
    extended = program.post(f"{address}/extend", {"ttl_seconds": 3600})
    assert extended.json["expires_at"] > held["expires_at"]
    assert program.post(f"{address}/confirm").json["status"] == "confirmed"
    part = program.post(f"{address}/fulfil", {"lines": [{"line": 1, "quantity": 1}]})
    assert (part.json["status"], part.json["lines"][0]["fulfilled"]) == ("confirmed", 1)
    rest = program.post(f"{address}/release", {"event": "payment_failed"})
    assert (rest.json["status"], rest.json["lines"][0]["released"]) == ("fulfilled", 1)
    refused = program.post(f"{address}/release")
    assert (refused.status_code, refused.json["type"]) == (409, "/problems/hold-not-allowed")
    assert (refused.json["reason"], refused.json["hold_status"]) == ("settled", "fulfilled")
    assert shop.states() == {"available": 4}
    books_agree()


def test_the_author_of_every_step_is_the_token(shop, program, held, superuser):
    program.post(f"/reservations/{held['id']}/confirm")
    program.post(f"/reservations/{held['id']}/fulfil")
    rows = superuser("SELECT actor, confirmed_by FROM reservations.hold")
    rows += superuser("SELECT actor, actor FROM stock.movement WHERE kind IN ('reserve', 'ship')")
    assert {actor for row in rows for actor in row} == {rows[0][0]}
    assert rows[0][0].startswith("token:")


def test_an_expired_hold_is_told_apart_from_one_that_is_settled(shop, program, superuser):
    shop.stock(1)
    held = program.post("/reservations", body(shop)).json
    superuser("UPDATE reservations.hold SET expires_at = now() - interval '1 second'")
    answer = program.post(f"/reservations/{held['id']}/confirm")
    assert (answer.status_code, answer.json["type"]) == (409, "/problems/hold-expired")
    again = program.post(f"/reservations/{held['id']}/extend", {"ttl_seconds": 60})
    assert (again.status_code, again.json["replaces"]) == (200, held["id"])


def test_expired_holds_make_room_at_the_door(shop, program, superuser, books_agree):
    shop.stock(2)
    for _ in range(2):
        program.post("/reservations", body(shop))
    superuser("UPDATE reservations.hold SET expires_at = now() - interval '1 second'")
    assert program.post("/reservations", body(shop, 2)).status_code == 201
    assert superuser("SELECT count(*) FROM reservations.refusal") == [(0,)]
    superuser("UPDATE reservations.hold SET expires_at = now() - interval '1 second' WHERE status = 'held'")
    batch = {"requests": [{**body(shop), "key": f"b{number}"} for number in range(3)]}
    answer = program.post("/reservations/batch", batch)
    assert [one["status"] for one in answer.json["results"]] == [201, 201, 409]
    books_agree()


@pytest.mark.parametrize("verb", ["confirm", "extend", "release", "fulfil"])
def test_what_does_not_exist_within_reach_is_404(shop, other_shop, program, verb, books_agree):
    other_shop.stock(1)
    theirs = other_shop.firm()
    for hold_id in (theirs.id, uuid4()):
        assert program.post(f"/reservations/{hold_id}/{verb}").status_code == 404
        assert program.get(f"/reservations/{hold_id}").status_code == 404
    assert program.post(f"/reservations/not-an-id/{verb}").status_code == 404
    assert other_shop.show(theirs).status == "confirmed"


def test_another_entitys_channel_is_404(shop, other_shop, program):
    other_shop.stock(1)
    answer = program.post("/reservations", body(other_shop))
    assert (answer.status_code, answer.json["channel"]) == (404, "web-b")
    assert other_shop.states() == {"available": 1}


def test_a_token_of_all_entities_reaches_each_by_its_channel(shop, other_shop, program_of, books_agree):
    shop.stock(1)
    other_shop.stock(1)
    everywhere = program_of(None, READ, HOLD)
    held = [everywhere.post("/reservations", body(one)).json for one in (shop, other_shop)]
    assert [one["lines"][0]["location"] for one in held] == ["A1", "B1"]
    for one in held:
        assert everywhere.post(f"/reservations/{one['id']}/confirm").json["status"] == "confirmed"
    batch = {"requests": [{**body(one), "key": f"k-{one.channel.code}"} for one in (other_shop, shop)]}
    answers = everywhere.post("/reservations/batch", batch).json["results"]
    assert [one["body"]["shortfalls"][0]["location"] for one in answers] == ["B1", "A1"]
    assert everywhere.post(f"/reservations/{uuid4()}/confirm").status_code == 404
    books_agree()


def test_a_token_that_speaks_for_one_channel_touches_only_its_holds(shop, program, program_of, held):
    other = shop.run(lambda s, now: make_channel(s, now, shop.entity.id, shop.store.id, code="market"))
    stranger = program_of(shop.entity, READ, HOLD, source=other.code)
    assert stranger.post("/reservations", body(shop)).status_code == 404
    assert stranger.get(f"/reservations/{held['id']}").status_code == 404
    assert stranger.get("/reservations").json["items"] == []
    assert stranger.get("/reservations", channel="web-a").status_code == 404
    assert stranger.get("/availability", channel="web-a", sku=shop.sku).status_code == 404
    for verb in ("confirm", "extend", "release", "fulfil"):
        assert stranger.post(f"/reservations/{held['id']}/{verb}").status_code == 404
    own = program_of(shop.entity, READ, HOLD, source="web-a")
    assert own.post(f"/reservations/{held['id']}/confirm").status_code == 200
    assert [one["id"] for one in own.get("/reservations").json["items"]] == [held["id"]]


def test_a_token_of_someone_at_one_store_touches_only_what_lies_there(shop, program_of, person, held, books_agree):
    shop.stock(5, store=shop.stores[1])
    grace = person(RoleAt("store_manager", shop.entity.id, shop.stores[1].id), name="Grace")
    hers = program_of(shop.entity, READ, HOLD, person=grace)
    assert hers.get(f"/reservations/{held['id']}").status_code == 404
    assert hers.post(f"/reservations/{held['id']}/release").status_code == 404
    assert hers.get("/reservations").json["items"] == []
    answer = hers.post("/reservations", body(shop))
    assert answer.json["lines"][0]["location"] == "A2"
    assert hers.post(f"/reservations/{answer.json['id']}/confirm").status_code == 200
    named = body(shop, lines=[{"sku": shop.sku, "quantity": 1, "location": "A1"}])
    assert hers.post("/reservations", named).json["errors"][0]["field"] == "lines[0].location"
    atp = hers.get("/availability", channel="web-a", sku=shop.sku)
    assert atp.json["items"] == [{"sku": shop.sku, "available_to_promise": 4}]
    assert hers.get("/availability", channel="web-a", sku=shop.sku, location="A1").status_code == 404
    books_agree()


def test_reading_does_not_allow_holding(shop, program_of):
    reader = program_of(shop.entity, READ)
    assert reader.post("/reservations", body(shop)).status_code == 403
    assert reader.post(f"/reservations/{uuid4()}/confirm").status_code == 403
    assert program_of(shop.entity, HOLD).get(f"/reservations/{uuid4()}").status_code == 403


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"lines": [{"sku": "nope", "quantity": 1}]}, "lines[0].sku"),
        ({"lines": [{"sku": "nope", "quantity": 0}]}, "lines[0].quantity"),
        ({"lines": [{"sku": "nope", "quantity": -1}]}, "lines[0].quantity"),
        ({"lines": [{"sku": "nope", "quantity": 1.5}]}, "lines[0].quantity"),
        ({"lines": [{"sku": "nope", "quantity": 1.0}]}, "lines[0].quantity"),
        ({"lines": [{"sku": "nope", "quantity": "1"}]}, "lines[0].quantity"),
        ({"lines": [{"sku": "nope", "quantity": True}]}, "lines[0].quantity"),
        ({"lines": [{"sku": "nope", "quantity": None}]}, "lines[0].quantity"),
        ({"lines": [{"sku": "nope", "quantity": 10**9 + 1}]}, "lines[0].quantity"),
        ({"lines": [{"sku": "nope", "quantity": 10**40}]}, "lines[0].quantity"),
        ({"lines": [{"sku": "nope"}]}, "lines[0]"),
        ({"lines": [{"sku": "a\x00b", "quantity": 1}]}, "lines[0].sku"),
        ({"lines": [{"sku": "a\nb", "quantity": 1}]}, "lines[0].sku"),
        ({"lines": [{"sku": "", "quantity": 1}]}, "lines[0].sku"),
        ({"lines": [{"sku": "x" * 256, "quantity": 1}]}, "lines[0].sku"),
        ({"lines": [{"sku": 7, "quantity": 1}]}, "lines[0].sku"),
        ({"lines": [{"sku": "x", "quantity": 1, "locaton": "A1"}]}, "lines[0]"),
        ({"lines": []}, "lines"),
        ({"lines": [{"sku": "x", "quantity": 1}] * 201}, "lines"),
        ({"lines": {}}, "lines"),
        ({"reference": ""}, "reference"),
        ({"reference": "a\x7fb"}, "reference"),
        ({"channel": None}, "channel"),
        ({"ttl_seconds": 0}, "ttl_seconds"),
        ({"ttl_seconds": 10**30}, "ttl_seconds"),
        ({"ttl_seconds": "60"}, "ttl_seconds"),
        ({"price": 1}, "body"),
    ],
)
def test_what_does_not_fit_is_422_naming_the_field(shop, program, change, field):
    shop.stock(1)
    answer = program.post("/reservations", body(shop) | change)
    assert (answer.status_code, answer.content_type) == (422, "application/problem+json")
    assert [error["field"] for error in answer.json["errors"]] == [field]
    assert shop.states() == {"available": 1}


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b"nonsense", b'{"channel": "\xff"}', b"[" * 100_000, b'{"channel": "\\ud800"}', b"NaN"]
)
@pytest.mark.parametrize("path", ["/reservations", "/reservations/batch"])
def test_what_is_no_json_or_no_request_is_refused_and_nothing_is_kept(shop, program, data, path, superuser):
    answer = program.post(path, data=data)
    assert answer.status_code in {400, 422}
    assert answer.json["type"] in {"/problems/malformed", "/problems/invalid"}
    assert superuser("SELECT count(*) FROM onhand.idempotency_key") == [(0,)]


@pytest.mark.parametrize(
    ("verb", "sent", "field"),
    [
        ("confirm", {"lines": [{"line": 1, "quantity": 1}]}, "lines"),
        ("confirm", {"event": "cancel"}, "event"),
        ("release", {"event": "Cancel!"}, "event"),
        ("release", {"lines": []}, "lines"),
        ("release", {"lines": [{"line": 0, "quantity": 1}]}, "lines[0].line"),
        ("fulfil", {"lines": [{"line": 1, "quantity": 0}]}, "lines[0].quantity"),
        ("fulfil", {"lines": [{"line": 1, "quantity": 1.0}]}, "lines[0].quantity"),
        ("fulfil", {"event": "cancel"}, "event"),
        ("fulfil", {"all": True}, "body"),
        ("extend", {"ttl_seconds": 0}, "ttl_seconds"),
        ("extend", {"ttl_seconds": 86_401}, "ttl_seconds"),
        ("extend", {"lines": []}, "body"),
    ],
)
def test_a_change_that_does_not_fit_is_422_naming_the_field(shop, program, held, verb, sent, field):
    answer = program.post(f"/reservations/{held['id']}/{verb}", sent)
    assert (answer.status_code, [error["field"] for error in answer.json["errors"]]) == (422, [field])
    assert shop.states() == {"available": 3, "reserved": 2}


def test_more_than_is_open_is_409_and_an_unknown_line_404(shop, program, held):
    program.post(f"/reservations/{held['id']}/confirm")
    answer = program.post(f"/reservations/{held['id']}/fulfil", {"lines": [{"line": 1, "quantity": 3}]})
    assert (answer.status_code, answer.json["reason"]) == (409, "too_many")
    answer = program.post(f"/reservations/{held['id']}/fulfil", {"lines": [{"line": 2, "quantity": 1}]})
    assert answer.status_code == 404


def test_the_list_is_newest_first_filtered_and_paged(shop, program, superuser):
    shop.stock(10)
    made = [program.post("/reservations", body(shop, reference=f"web-{number % 2}")).json for number in range(5)]
    program.post(f"/reservations/{made[1]['id']}/confirm")
    program.post(f"/reservations/{made[0]['id']}/release")
    ids = [one["id"] for one in made]

    def listed(**query):
        answer = program.get("/reservations", **query)
        assert answer.status_code == 200, answer.text
        return [ids.index(one["id"]) for one in answer.json["items"]]

    assert listed() == [4, 3, 2, 1, 0]
    assert listed(reference="web-1") == [3, 1]
    assert listed(status="confirmed") == [1]
    assert listed(status="open", channel="web-a") == [4, 3, 2, 1]
    assert listed(status=["released", "confirmed"]) == [1, 0]
    assert listed(status="expired") == []
    first = program.get("/reservations", limit=2, status="open")
    second = program.get("/reservations", limit=2, status="open", cursor=first.json["next"])
    assert [ids.index(one["id"]) for one in first.json["items"] + second.json["items"]] == [4, 3, 2, 1]
    assert second.json["next"] is None
    assert program.get("/reservations", limit=2, cursor=first.json["next"]).status_code == 400


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"status": "lost"}, 422), ({"limit": "0"}, 422), ({"limit": "x"}, 422), ({"limit": "201"}, 422),
        ({"channel": "nope"}, 404), ({"cursor": "forged"}, 400), ({"reference": "a\x00"}, 422),
        ({"channel": "a\x00"}, 404),
    ],
)  # fmt: skip
def test_a_list_asked_for_wrongly_is_refused(program, query, status):
    assert program.get("/reservations", **query).status_code == status


def test_a_list_of_holds_costs_the_same_whatever_its_length(shop, program, statements):
    shop.stock(300)
    program.get("/reservations")  # whatever is read once per process
    counts = set()
    for _ in range(3):
        shop.ask(*[shop.wish({shop.sku: 1}) for _ in range(60)])
        with statements() as seen:
            assert program.get("/reservations", limit=200).status_code == 200
        counts.add(len(seen))
    assert len(counts) == 1, counts
