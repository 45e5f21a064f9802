"""Adjustments: asked for on the numbers that were seen, weighed by policy, agreed to, posted as facts; whole or not at all."""

from uuid import uuid4

import pytest
from onhand.approvals.api import Decision, decide
from onhand.approvals.models import Approval
from onhand.db import cursor
from onhand.policies.book import Where
from onhand.policies.services import set_policy
from onhand_stock.services import Adjust, Adjusted, NotAdjusted, Recount, adjust, recount
from onhand_stock.testing import TESTER


@pytest.fixture
def set_to(transact):
    """Set a policy for the group."""

    def change(name, value):
        transact(lambda session, now: set_policy(session, name, value, Where(), by=TESTER, now=now))

    return change


def test_within_tolerance_it_is_posted_at_once_for_who_may_adjust(shop, ask, clerk, books_agree):
    shop.receive(10)
    answer = ask(-2, note="cannot find them")
    assert (answer.status, answer.kind, answer.approval_id) == ("posted", "adjustment", None)
    entry = shop.entries()[0]
    assert (entry.kind, entry.quantity, entry.from_state, entry.to_state) == ("adjustment", 2, "available", "shrink")
    assert (entry.trigger, entry.reason, entry.actor) == (f"adjustment:{answer.id}", "shrinkage", clerk.ref)
    assert shop.states() == {"available": 8}
    books_agree()


@pytest.mark.parametrize(("delta", "reason", "kind", "outside", "left"), [
    (-2, "damage", "write_off", "scrap", 8), (-2, "theft", "adjustment", "shrink", 8), (2, "found", "adjustment", "found", 12),
])  # fmt: skip
def test_reason_and_sign_say_which_kind_it_is(shop, ask, books_agree, delta, reason, kind, outside, left):
    shop.receive(10)
    assert ask(delta, reason=reason).kind == kind
    entry = shop.entries()[0]
    assert outside in (entry.from_state, entry.to_state)
    assert shop.states() == {"available": left}
    books_agree()


def test_of_what_was_seen_and_is_something_else_by_now_nothing_is_done(shop, ask):
    shop.receive(10)
    shop.sell(3)
    refused = ask(-2, seen=10)
    assert (refused.why, refused.field, refused.now) == ("stale", "expected", 7)
    assert "10 available were seen, and it is 7 now" in refused.detail
    assert shop.states() == {"available": 7}
    assert shop.run(lambda session, _: cursor(session).execute("SELECT count(*) FROM stock.adjustment").fetchone()) == (
        0,
    )


@pytest.mark.parametrize(("asked", "field", "said"), [
    ({"delta": 0}, "delta", "0 changes nothing"),
    ({"delta": -1, "reason": "no_such"}, "reason", "no reason code"),
    ({"delta": -1, "reason": "price_drop"}, "reason", "not for adjustment"),
    ({"delta": -1, "state": "reserved", "seen": 0}, "state", "not adjusted by hand"),
    ({"delta": -1, "kind": "sale"}, "kind", "none of"),
    ({"delta": 1, "kind": "write_off", "reason": "damage"}, "delta", "below 0"),
    ({"delta": -1, "value_minor": -5}, "value_minor", "only a markdown"),
    ({"delta": -11}, "delta", "cannot be missing where 10 are"),
    ({"delta": -1, "state": "damaged", "reason": "damage"}, "delta", "cannot be missing where 0 are"),
    ({"delta": -1, "note": "x" * 2_001}, "note", "2000 characters"),
])  # fmt: skip
def test_what_cannot_be_is_refused_by_field(shop, ask, asked, field, said):
    shop.receive(10)
    refused = ask(**asked)
    assert isinstance(refused, NotAdjusted)
    assert refused.field == field
    assert said in refused.detail
    assert shop.states() == {"available": 10}


def test_a_retired_reason_is_refused_when_asking_and_when_agreeing(shop, ask, agree, superuser):
    shop.receive(50)
    waiting = ask(-40)
    assert waiting.status == "waiting"
    superuser("UPDATE onhand.reason_code SET retired_at = now() WHERE code = 'shrinkage'")
    try:
        assert ask(-2).why == "reason"
        refused = agree(waiting)
        assert "retired" in refused.detail
    finally:
        superuser("UPDATE onhand.reason_code SET retired_at = NULL WHERE code = 'shrinkage'")
    assert shop.states() == {"available": 50}


def test_more_waits_for_another_person_and_is_posted_with_the_last_consent(
    shop, ask, agree, clerk, books_agree, status_of
):
    shop.receive(50)
    answer = ask(-40)
    assert answer.status == "waiting"
    assert shop.states() == {"available": 50}
    assert agree(answer, by=clerk).why == "own_request"
    assert agree(answer).status == "approved"
    assert shop.states() == {"available": 10}
    assert status_of(answer) == "posted"
    entry = shop.entries()[0]
    assert (entry.actor, entry.correlation) == (clerk.ref, f"approval:{answer.approval_id}")
    books_agree()


def test_who_may_only_ask_waits_even_for_one_unit(shop, ask):
    shop.receive(10)
    assert ask(-1, trusted=False).status == "waiting"


def test_what_one_person_splits_is_added_up(shop, ask, manager):
    shop.receive(50)
    assert [ask(-3).status, ask(-2).status, ask(-1).status] == ["posted", "posted", "waiting"]
    assert ask(2, reason="found").status == "waiting"
    assert ask(-5, by=manager).status == "posted"


def test_a_rejected_request_moves_nothing(shop, ask, agree):
    shop.receive(50)
    answer = ask(-40)
    assert agree(answer, verdict="reject").status == "rejected"
    assert shop.states() == {"available": 50}


def test_agreeing_looks_at_the_world_again_and_shows_the_new_numbers(shop, ask, agree, books_agree):
    shop.receive(50)
    answer = ask(-40)
    shop.sell(3)
    outdated = agree(answer)
    assert outdated.why == "outdated"
    assert [(change.before, change.after) for change in outdated.now.changes] == [(47, 7)]
    assert shop.states() == {"available": 47}
    assert agree(answer).status == "approved"
    assert shop.states() == {"available": 7}
    books_agree()


def test_what_can_no_longer_be_missing_is_not_agreed_to(shop, ask, agree):
    shop.receive(50)
    answer = ask(-40)
    shop.sell(30)
    assert "cannot be missing where 20 are" in agree(answer).detail
    assert shop.states() == {"available": 20}


def test_a_finding_is_a_fact_it_takes_the_shelf_to_nothing_and_leaves_the_rest_short(
    shop, ask, agree, told, drain, books_agree
):
    """Ten are there, six of them promised; eight are missing: the promise stands, and two of its units do not."""
    shop.receive(10)
    shop.post(_group("h", shop.move("hold_back", 6, "available", "reserved")))
    answer = ask(-8)
    assert agree(answer).status == "approved"
    assert shop.states() == {"reserved": 6, "shortage": 4}
    drain()
    [raised] = [event for event in told.RAISED if event.kind == "shortage"]
    assert raised.causes[0].quantity == 4
    books_agree()


def _group(key, *moves):
    from datetime import UTC, datetime

    from onhand_stock.api import Group

    return Group(key, moves, f"doc:{key}", datetime(2026, 1, 5, tzinfo=UTC), "test")


def test_a_value_decides_where_one_is_known(shop, ask, set_to):
    shop.receive(10)
    set_to("stock.unit_value_minor", "1999.5")
    answer = ask(-3)
    assert (answer.status, answer.value_minor) == ("waiting", -5_999)
    assert ask(-2, item=shop.items[1], seen=0, reason="found").why == "too_many"
    shop.receive(4, shop.items[1])
    assert ask(-2, item=shop.items[1]).status == "posted"


def test_a_markdown_changes_value_and_no_units(shop, ask, agree, books_agree):
    shop.receive(10)
    answer = ask(0, reason="price_drop", value_minor=-12_000)
    assert (answer.status, answer.kind) == ("waiting", "markdown")
    assert agree(answer).status == "approved"
    assert shop.states() == {"available": 10}
    sql = "SELECT kind, quantity, value_minor FROM stock.movement WHERE value_minor IS NOT NULL"
    assert shop.run(lambda session, _: cursor(session).execute(sql).fetchall()) == [("markdown", 0, -12_000)]
    small = ask(0, reason="price_drop", value_minor=-100, item=shop.items[1], seen=0)
    assert "nothing to mark down" in small.detail
    books_agree()


def test_a_large_correction_is_counted_again_before_anybody_decides(shop, ask, agree, manager, books_agree, status_of):
    shop.receive(150)
    answer = ask(-120)
    assert answer.status == "recount"
    shop.sell(10)
    [counted] = shop.run(lambda session, now: recount(session, [Recount(answer.id, 60)], by=manager, now=now))
    assert (counted.status, counted.delta) == ("waiting", -80)
    shop.sell(5)
    assert agree(counted).status == "approved"
    assert shop.states() == {"available": 55}
    assert status_of(answer) == "posted"
    books_agree()


def test_a_count_that_agrees_with_the_book_ends_the_request_and_a_small_one_is_posted(shop, ask, manager, books_agree):
    shop.receive(150)
    first, second = ask(-120), ask(-110, reason="theft", by=manager)

    def count(answer, found):
        return shop.run(lambda session, now: recount(session, [Recount(answer.id, found)], by=manager, now=now))[0]

    assert (count(first, 150).status, count(first, 150).why) == ("dropped", "settled")
    assert count(second, 147).status == "posted"
    assert shop.states() == {"available": 147}
    assert count(second, -1).why == "settled"
    assert count(Adjusted(uuid4(), "recount", "adjustment", 0), 1).why == "unknown"
    books_agree()


def test_the_same_id_again_returns_what_became_of_it(shop, clerk):
    shop.receive(10)
    one = Adjust(uuid4(), shop.entity.id, shop.item.id, shop.location.id, "available", 10, -2, "theft", is_trusted=True)

    def send(request):
        return shop.run(lambda session, now: adjust(session, [request], by=clerk, now=now, source="test")[0])

    assert send(one) == send(one)
    assert shop.states() == {"available": 8}
    other = Adjust(one.id, shop.entity.id, shop.item.id, shop.location.id, "available", 8, -2, "found", is_trusted=True)
    assert send(other).why == "twice"


def test_each_of_a_list_stands_alone_and_a_shelf_is_named_once(shop, clerk, books_agree):
    for item in shop.items[:3]:
        shop.receive(10, item)

    def one(item, delta, expected=10):
        return Adjust(
            uuid4(), shop.entity.id, item.id, shop.location.id, "available", expected, delta, "theft", is_trusted=True
        )

    asked = [one(shop.items[0], -1), one(shop.items[1], -1, 9), one(shop.items[0], -1), one(shop.items[2], -4)]
    answers = shop.run(lambda session, now: adjust(session, asked, by=clerk, now=now, source="test"))
    assert [getattr(answer, "why", "done") for answer in answers] == ["done", "stale", "twice", "done"]
    assert [shop.states(item)["available"] for item in shop.items[:3]] == [9, 10, 6]
    books_agree()


def test_the_number_of_statements_does_not_depend_on_the_length_of_the_list(shop, clerk, statements):
    for item in shop.items:
        shop.receive(100, item)

    def cost(items, delta):
        there = {item.id: shop.states(item)["available"] for item in items}
        asked = [
            Adjust(
                uuid4(),
                shop.entity.id,
                item.id,
                shop.location.id,
                "available",
                there[item.id],
                delta,
                "theft",
                is_trusted=True,
            )
            for item in items
        ]
        with statements() as seen:
            answers = shop.run(lambda session, now: adjust(session, asked, by=clerk, now=now, source="test"))
        assert all(isinstance(answer, Adjusted) for answer in answers)
        return len(seen)

    cost(shop.items[:1], -1)
    assert cost(shop.items[1:2], -1) == cost(shop.items[2:7], -1)
    cost(shop.items[7:8], -40)
    assert cost(shop.items[8:9], -40) == cost(shop.items[9:12], -40)


def test_looking_at_many_requests_again_takes_as_many_statements_as_at_one(shop, ask, manager, statements):
    for item in shop.items[:5]:
        shop.receive(100, item)
    waiting = [ask(-40, item=item) for item in shop.items[:5]]
    for item in shop.items[:5]:
        shop.sell(1, item)

    def cost(answers):
        decisions = [Decision(answer.approval_id, 1, "approve", None) for answer in answers]
        with statements() as seen:
            found = shop.run(lambda session, now: decide(session, decisions, by=manager, now=now))
        assert [one.why for one in found] == ["outdated"] * len(answers)
        return len(seen) - len(seen.starting("UPDATE onhand.approval"))  # each its own new version

    assert cost(waiting[:1]) == cost(waiting[1:])


def test_what_is_adjusted_is_adjusted_back_under_the_same_rules(shop, ask):
    from onhand_stock.api import NotReversible

    shop.receive(10)
    ask(-2)
    with pytest.raises(NotReversible, match="same rules"):
        shop.reverse(shop.entries()[0])


def test_rule_of_one_location_is_named_by_its_code(shop, other_shop, ask, api, token):
    shop.receive(100)
    program = api(token(shop.entity, "approvals.read", "approvals.edit"))

    def rule(key, **more):
        added = {"kind": "stock.adjustment", "role": "governance", **more}
        return program.post("/api/v1/approval-rules", json={"key": key, "entity": shop.entity.code, "add": [added]})

    refused = rule("a", location=other_shop.location.code)
    assert (refused.status_code, refused.json["errors"][0]["field"]) == (422, "location")
    assert rule("b", location=shop.location.code, location_id=other_shop.location.id).status_code == 422
    assert rule("c", location=shop.location.code).json["status"] == "approved"
    [known] = program.get("/api/v1/approval-rules").json["items"]
    assert (known["location_id"], known["location"]) == (shop.location.id, shop.location.code)
    answer = ask(-40)
    waits = shop.run(lambda session, _: session.get(Approval, answer.approval_id).waiting_role)
    assert waits == "governance"
