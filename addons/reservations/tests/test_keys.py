"""Keys: one effect per key, the same answer byte for byte, refusals included."""

import json

import pytest


def body(shop, quantity=1, **more):
    return {
        "channel": shop.channel.code,
        "reference": "web-1",
        "lines": [{"sku": shop.sku, "quantity": quantity}],
    } | more


def batch(shop, *wishes):
    return {"requests": [{**body(shop, quantity), "key": key} for key, quantity in wishes]}


def test_the_same_key_and_body_is_answered_byte_for_byte_and_acts_once(shop, program, books_agree):
    shop.stock(5)
    first = program.post("/reservations", body(shop, 2), key="k1")
    again = program.post("/reservations", body(shop, 2), key="k1")
    assert (again.status_code, again.data, again.content_type) == (201, first.data, "application/json")
    assert shop.states() == {"available": 3, "reserved": 2}
    books_agree()


def test_the_answer_stands_whatever_became_of_the_hold(shop, program):
    shop.stock(1)
    first = program.post("/reservations", body(shop), key="k1")
    program.post(f"/reservations/{first.json['id']}/release")
    assert program.post("/reservations", body(shop), key="k1").data == first.data
    assert shop.states() == {"available": 1}


def test_a_refusal_is_replayed_though_stock_has_come(shop, program):
    first = program.post("/reservations", body(shop), key="k1")
    assert first.status_code == 409
    shop.stock(5)
    again = program.post("/reservations", body(shop), key="k1")
    assert (again.status_code, again.data, again.content_type) == (409, first.data, "application/problem+json")
    assert program.post("/reservations", body(shop), key="k2").status_code == 201


def test_an_unknown_item_is_a_refusal_that_is_replayed(shop, program):
    wish = body(shop, lines=[{"sku": "nope", "quantity": 1}])
    first = program.post("/reservations", wish, key="k1")
    assert first.status_code == 422
    assert program.post("/reservations", wish, key="k1").data == first.data


@pytest.mark.parametrize("change", [{"reference": "web-2"}, {"ttl_seconds": 60}, {"lines": []}])
def test_the_same_key_with_another_body_is_422_and_moves_nothing(shop, program, change):
    shop.stock(5)
    program.post("/reservations", body(shop, 2), key="k1")
    answer = program.post("/reservations", body(shop, 2) | change, key="k1")
    assert answer.status_code == 422
    if change.get("lines") != []:
        assert answer.json["type"] == "/problems/idempotency-key-reused"
    assert shop.states() == {"available": 3, "reserved": 2}


def test_how_a_body_is_spelt_does_not_make_it_another(shop, program):
    shop.stock(5)
    first = program.post("/reservations", body(shop), key="k1")
    spelt = json.dumps(dict(reversed(body(shop).items())), indent=3).encode()
    assert program.post("/reservations", data=spelt, key="k1").data == first.data
    assert shop.states() == {"available": 4, "reserved": 1}


@pytest.mark.parametrize("key", ["", "a b", "ümlaut", "x" * 256])
def test_without_a_usable_key_nothing_is_done(shop, program, key):
    shop.stock(1)
    answer = program.api.post("/api/v1/reservations", json=body(shop), headers={"Idempotency-Key": key} if key else {})
    assert (answer.status_code, answer.json["type"]) == (400, "/problems/idempotency-key-missing")
    assert shop.states() == {"available": 1}


def test_keys_belong_to_their_owner(shop, program, program_of):
    shop.stock(5)
    other = program_of(shop.entity, "reservations.hold")
    first, second = (one.post("/reservations", body(shop), key="k1").json for one in (program, other))
    assert first["id"] != second["id"]


def test_each_verb_of_a_hold_takes_its_own_key(shop, program, books_agree):
    shop.stock(2)
    held = program.post("/reservations", body(shop, 2), key="k1").json
    address = f"/reservations/{held['id']}"
    assert program.post(f"{address}/confirm", key="k1").status_code == 422
    part = {"lines": [{"line": 1, "quantity": 1}]}
    first = program.post(f"{address}/confirm", key="k2")
    assert program.post(f"{address}/confirm", key="k2").data == first.data
    first = program.post(f"{address}/fulfil", part, key="k3")
    assert program.post(f"{address}/fulfil", part, key="k3").data == first.data
    assert program.post(f"{address}/fulfil", {}, key="k3").status_code == 422
    assert program.post(f"{address}/release", part, key="k3").status_code == 422
    assert shop.states() == {"reserved": 1}
    books_agree()


def test_a_batch_answers_each_request_under_its_own_key(shop, program, books_agree):
    shop.stock(3)
    answer = program.post("/reservations/batch", batch(shop, ("a", 2), ("b", 2), ("c", 1)))
    assert answer.status_code == 200
    assert [(one["key"], one["status"]) for one in answer.json["results"]] == [("a", 201), ("b", 409), ("c", 201)]
    assert answer.json["results"][1]["body"]["shortfalls"][0]["available"] == 1
    shop.stock(9)
    assert program.post("/reservations/batch", batch(shop, ("a", 2), ("b", 2), ("c", 1))).data == answer.data
    assert shop.states() == {"available": 9, "reserved": 3}
    books_agree()


def test_a_key_is_the_same_key_at_the_single_door_and_in_a_batch(shop, program):
    shop.stock(3)
    single = program.post("/reservations", body(shop), key="a")
    answer = program.post("/reservations/batch", batch(shop, ("a", 1), ("b", 1)))
    assert answer.json["results"][0]["body"] == single.json
    again = program.post("/reservations", body(shop), key="b")
    assert again.json == answer.json["results"][1]["body"]
    assert shop.states() == {"available": 1, "reserved": 2}


def test_a_key_twice_in_a_batch_acts_once_and_another_body_is_refused(shop, program):
    shop.stock(5)
    answer = program.post("/reservations/batch", batch(shop, ("a", 1), ("a", 1), ("a", 2)))
    first, same, other = answer.json["results"]
    assert first["status"] == same["status"] == 201
    assert first["body"] == same["body"]
    assert (other["status"], other["body"]["type"]) == (422, "/problems/idempotency-key-reused")
    assert shop.states() == {"available": 4, "reserved": 1}


def test_a_batch_whose_request_lacks_a_key_does_nothing(shop, program):
    shop.stock(5)
    answer = program.post("/reservations/batch", {"requests": [{**body(shop), "key": "a"}, body(shop)]})
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, "requests[1].key")
    assert shop.states() == {"available": 5}


def test_a_batch_is_at_most_256_requests(shop, program):
    answer = program.post("/reservations/batch", batch(shop, *[(f"k{n}", 1) for n in range(257)]))
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, "requests")


def test_a_batch_costs_the_same_whatever_its_length(shop, program, statements):
    shop.stock(500)
    program.post("/reservations/batch", batch(shop, ("first", 1)))
    counts = set()
    for length in (1, 10, 200):
        with statements() as seen:
            answer = program.post("/reservations/batch", batch(shop, *[(f"{length}-{n}", 1) for n in range(length)]))
        assert {one["status"] for one in answer.json["results"]} == {201}
        counts.add(len(seen))
    assert len(counts) == 1, counts


def test_a_hold_costs_few_statements(shop, program, statements):
    shop.stock(9)
    program.post("/reservations", body(shop))
    with statements() as seen:
        program.post("/reservations", body(shop))
    assert len(seen) <= 16, [text.strip().split("*/")[0] for text in seen]
