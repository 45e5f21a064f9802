"""REST and files: adjustments are asked for in lists, once per key, whole or not at all where a file says so."""

import json

import pytest
from onhand.db import cursor
from onhand_stock.testing import differences

READ, WORK, ADJUST = "stock.read", "stock.work", "stock.adjust"
HERE = "/api/v1/adjustments"


@pytest.fixture
def program(api, token, shop):
    """A program that may ask and adjust."""
    return api(token(shop.entity, READ, WORK, ADJUST, source="till"))


@pytest.fixture
def send(program):
    """Ask for adjustments under a key of their own."""
    keys = iter(range(1_000))

    def sending(*asked, key=None, client=program):
        headers = {"Idempotency-Key": key or f"k{next(keys)}"}
        return client.post(HERE, json={"adjustments": list(asked)}, headers=headers)

    return sending


def ask(shop, item=None, **more):
    base = {"sku": (item or shop.item).sku, "location": "S1", "expected": 10, "delta": -2, "reason": "theft"}
    return {name: value for name, value in (base | more).items() if value is not None}


def test_a_batch_is_answered_one_by_one_and_once_per_key(shop, program, send, books_agree):
    for item in shop.items[:3]:
        shop.receive(10, item)
    asked = [
        ask(shop),
        ask(shop, shop.items[1], expected=9),
        ask(shop, shop.items[2], delta=None, quantity=14, reason="found"),
    ]
    answer = send(*asked, key="once")
    assert answer.status_code == 201, answer.text
    posted, stale, added = answer.json["results"]
    assert (posted["status"], posted["kind"], posted["delta"]) == ("posted", "adjustment", -2)
    assert (stale["status"], stale["why"], stale["field"], stale["now"]) == (
        "refused",
        "stale",
        "adjustments[1].expected",
        10,
    )
    assert (added["status"], added["delta"]) == ("posted", 4)
    assert send(*asked, key="once").json == answer.json
    assert [shop.states(item) for item in shop.items[:3]] == [{"available": 8}, {"available": 10}, {"available": 14}]
    one = program.get(f"{HERE}/{posted['id']}").json
    assert (one["status"], one["sku"], one["source"], one["reason"]) == ("posted", shop.item.sku, "till", "theft")
    movement = program.get(f"/api/v1/movements/{one['entries'][0]}").json
    assert (movement["kind"], movement["document"], movement["value_minor"]) == (
        "adjustment",
        f"adjustment:{one['id']}",
        None,
    )
    assert [row["id"] for row in program.get(HERE, query_string={"location": "S1"}).json["items"]] == [
        added["id"],
        posted["id"],
    ]
    assert program.get(HERE, query_string={"status": "waiting"}).json["items"] == []
    books_agree()


def test_where_all_are_stale_the_answer_says_what_is_there_now(shop, send):
    shop.receive(7)
    answer = send(ask(shop))
    assert (answer.status_code, answer.json["type"], answer.json["now"]) == (409, "/problems/adjustment-stale", [7])
    assert shop.states() == {"available": 7}


@pytest.mark.parametrize(("more", "field"), [
    ({"reason": "no_such"}, "reason"),
    ({"delta": 0}, "delta"),
    ({"delta": None}, "delta"),
    ({"quantity": 3}, "delta"),
    ({"sku": "NO-SUCH"}, "sku"),
    ({"state": "reserved"}, "state"),
    ({"delta": "2"}, "delta"),
    ({"expected": -1}, "expected"),
])  # fmt: skip
def test_what_is_wrong_is_refused_by_field(shop, send, more, field):
    shop.receive(10)
    answer = send(ask(shop, **more))
    assert answer.status_code == 422, answer.text
    assert answer.json["errors"][0]["field"] in {f"adjustments[0].{field}", f"adjustments.0.{field}"}
    assert shop.states() == {"available": 10}


def test_without_a_key_or_the_permission_or_at_another_place_nothing_is_done(
    shop, other_shop, program, send, api, token
):
    shop.receive(10)
    assert program.post(HERE, json={"adjustments": [ask(shop)]}).status_code == 400
    assert send(ask(shop), client=api(token(shop.entity, READ, ADJUST))).status_code == 403
    assert send(ask(shop, location="S2")).status_code == 404
    stranger = api(token(other_shop.entity, READ, WORK, ADJUST))
    assert send(ask(shop), client=stranger).status_code == 404
    assert shop.states() == {"available": 10}


def test_who_may_ask_and_not_adjust_waits(shop, send, api, token):
    shop.receive(10)
    answer = send(ask(shop), client=api(token(shop.entity, READ, WORK)))
    assert answer.json["results"][0]["status"] == "waiting"
    assert shop.states() == {"available": 10}


@pytest.fixture
def file(tmp_path):
    """Write a CSV file of adjustments."""

    def write(*rows, header="sku,location,expected,delta,reason,note"):
        path = tmp_path / "adjustments.csv"
        path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
        return path

    return write


def test_a_file_with_one_wrong_row_of_many_leaves_nothing_half_done(shop, onhand, file, transact):
    for item in shop.items:
        shop.receive(10, item)
    rows = [f"{item.sku},S1,10,-1,theft,gone" for item in shop.items]
    rows[7] = f"{shop.items[7].sku},S1,9,-1,theft,gone"
    result = onhand("import", "adjustments", str(file(*rows)))
    assert result.exit_code == 1, result.output
    assert "expected" in result.output
    assert all(shop.states(item) == {"available": 10} for item in shop.items)
    rows[7] = f"{shop.items[7].sku},S1,10,-1,theft,gone"
    dry = onhand("import", "adjustments", str(file(*rows)), "--dry-run")
    assert dry.exit_code == 0, dry.output
    assert "12 would be created" in dry.output
    count = "SELECT count(*) FROM stock.adjustment"
    assert transact(lambda session, _: cursor(session).execute(count).fetchone()) == (0,)
    assert onhand("import", "adjustments", str(file(*rows))).exit_code == 0
    assert transact(lambda session, _: cursor(session).execute(count).fetchone()) == (12,)
    assert transact(differences) == []


def test_a_file_names_row_and_column_of_every_fault(shop, onhand, file):
    path = file(
        "NO-SUCH,S1,1,-1,theft,", f"{shop.item.sku},NOWHERE,1,-1,theft,", f"{shop.item.sku},S1,x,−1,theft,",
        f"{shop.item.sku},S1,1,,theft,", f"{shop.item.sku},S1,1,-1,,",
    )  # fmt: skip
    result = onhand("import", "adjustments", str(path), "--json")
    assert result.exit_code == 1
    errors = [(one["row"], one["column"]) for one in json.loads(result.output)["errors"]]
    assert errors == [(2, "sku"), (3, "location"), (4, "expected"), (5, "delta"), (6, "reason")]
