"""Confirm, release, fulfil: whole or in part, and each unit's promise ends exactly once."""

from uuid import uuid4

import pytest
from onhand_reservations.values import Change, Hold, LineQuantity, NotAllowed
from onhand_stock.api import history


def lines(answer):
    return [(line.quantity, line.fulfilled, line.released) for line in answer.lines]


def test_a_confirmed_hold_no_longer_expires(shop, books_agree):
    shop.stock(2)
    held = shop.firm(2)
    assert held.status == "confirmed"
    shop.pass_time(days=30)
    assert shop.sweep() == 0
    assert shop.show(held).status == "confirmed"
    assert shop.states() == {"reserved": 2}
    books_agree()


def test_confirming_twice_changes_nothing_and_succeeds(shop, superuser):
    shop.stock(1)
    held = shop.firm()
    sql = "SELECT confirmed_at, confirmed_by FROM reservations.hold"
    first = superuser(sql)
    shop.pass_time(seconds=1)
    assert shop.do("confirm", held).status == "confirmed"
    assert superuser(sql) == first


def test_confirm_after_expiry_is_refused_by_the_clock_even_if_no_sweep_has_run(shop):
    shop.stock(1)
    held = shop.hold(ttl_seconds=10)
    shop.pass_time(seconds=10)
    refused = shop.do("confirm", held)
    assert (refused.reason, refused.status) == ("expired", "expired")
    assert shop.show(held).status == "held"
    assert shop.states() == {"reserved": 1}
    shop.sweep()
    assert shop.do("confirm", held).reason == "expired"


def test_a_hold_is_confirmed_until_the_last_moment(shop):
    shop.stock(1)
    held = shop.hold(ttl_seconds=10)
    shop.pass_time(seconds=9)
    assert shop.do("confirm", held).status == "confirmed"


def test_released_units_are_available_again(shop, books_agree):
    shop.stock(3)
    held = shop.hold(3)
    answer = shop.do("release", held, event="payment_failed")
    assert (answer.status, lines(answer)) == ("released", [(3, 0, 3)])
    assert shop.states() == {"available": 3}
    books_agree()


@pytest.mark.parametrize(("event", "named"), [(None, "cancel"), ("payment_failed", "payment_failed")])
def test_what_a_hold_was_released_for_is_named_on_the_record(shop, superuser, event, named):
    shop.stock(2)
    held = shop.firm(2)
    shop.do("release", held, [(1, 1)], event=event)
    shop.do("release", held, event=event)
    assert superuser("SELECT status, release_event FROM reservations.hold") == [("released", named)]
    entries = shop.run(lambda s, _: history(s, [shop.entity.id], shop.item.id))
    assert [(one.kind, one.reason) for one in entries[:2]] == [("release", named)] * 2
    assert {one.trigger for one in entries[:3]} == {f"hold:{held.id}"}


def test_fulfilled_units_leave_stock(shop, books_agree):
    shop.stock(3)
    answer = shop.do("fulfil", shop.firm(2))
    assert (answer.status, lines(answer)) == ("fulfilled", [(2, 2, 0)])
    assert shop.states() == {"available": 1}
    books_agree()


def test_only_confirmed_holds_are_fulfilled(shop):
    shop.stock(1)
    held = shop.hold()
    refused = shop.do("fulfil", held)
    assert (refused.reason, refused.status) == ("not_confirmed", "held")
    assert shop.states() == {"reserved": 1}


def test_parts_of_lines_are_fulfilled_and_released_until_nothing_is_open(shop, books_agree):
    a, b = shop.items[:2]
    shop.stock(5, a)
    shop.stock(5, b)
    held = shop.firm({a.sku: 4, b.sku: 2})
    assert lines(shop.do("fulfil", held, [(1, 1), (2, 2)])) == [(4, 1, 0), (2, 2, 0)]
    assert lines(shop.do("release", held, [(1, 2)])) == [(4, 1, 2), (2, 2, 0)]
    assert shop.show(held).status == "confirmed"
    answer = shop.do("fulfil", held)
    assert (answer.status, lines(answer)) == ("fulfilled", [(4, 2, 2), (2, 2, 0)])
    assert shop.states(a) == {"available": 3}
    books_agree()


def test_what_is_released_to_its_end_after_a_part_was_handed_over_was_fulfilled(shop, superuser):
    shop.stock(2)
    held = shop.firm(2)
    shop.do("fulfil", held, [(1, 1)])
    assert shop.do("release", held, event="cancel").status == "fulfilled"
    assert superuser("SELECT release_event FROM reservations.hold") == [("cancel",)]


@pytest.mark.parametrize("verb", ["fulfil", "release"])
def test_more_than_is_open_is_refused_with_the_numbers(shop, verb, books_agree):
    shop.stock(3)
    held = shop.firm(3)
    shop.do("release", held, [(1, 1)])
    refused = shop.do(verb, held, [(1, 3)])
    assert (refused.reason, refused.detail) == ("too_many", "line 1 has 2 open units, not 3")
    assert shop.do(verb, held, [(1, 1), (1, 2)]).reason == "too_many"
    assert shop.do(verb, held, [(2, 1)]).reason == "not_found"
    assert shop.states() == {"available": 1, "reserved": 2}
    books_agree()


@pytest.mark.parametrize("verb", ["confirm", "fulfil", "release"])
@pytest.mark.parametrize("end", ["fulfil", "release"])
def test_a_settled_hold_takes_no_verb_any_more(shop, end, verb, books_agree):
    shop.stock(1)
    held = shop.firm()
    shop.do(end, held)
    assert shop.do(verb, held).reason == "settled"
    books_agree()


def test_a_hold_that_does_not_exist_is_not_found(shop):
    [answer] = shop.do_all("confirm", Change(uuid4()))
    assert (type(answer), answer.reason) == (NotAllowed, "not_found")


def test_another_entitys_hold_is_not_found(shop, other_shop):
    shop.stock(1)
    held = shop.hold()
    for verb in ("confirm", "release", "fulfil"):
        assert other_shop.do(verb, held).reason == "not_found"
    assert other_shop.extend(held).reason == "not_found"
    assert shop.show(held).status == "held"


def test_a_list_answers_each_change_in_order_and_of_two_of_one_hold_the_first_wins(shop, books_agree):
    shop.stock(6)
    first, second = shop.firm(2), shop.firm(2)
    answers = shop.do_all(
        "fulfil",
        Change(first.id, (LineQuantity(1, 1),)),
        Change(uuid4()),
        Change(first.id, (LineQuantity(1, 2),)),
        Change(second.id),
        Change(second.id),
        Change(first.id),
    )
    assert [getattr(answer, "reason", None) or answer.status for answer in answers] == [
        "confirmed", "not_found", "too_many", "fulfilled", "settled", "fulfilled",
    ]  # fmt: skip
    assert shop.states() == {"available": 2}
    books_agree()


@pytest.mark.parametrize("verb", ["confirm", "release", "fulfil"])
def test_a_list_costs_the_same_whatever_its_length(shop, statements, verb):
    shop.stock(500)
    counts = set()
    for length in (1, 10, 200):
        wishes = [shop.wish({shop.sku: 1}) for _ in range(length)]
        changes = [Change(one.id) for one in shop.ask(*wishes)]
        if verb == "fulfil":
            shop.do_all("confirm", *changes)
        with statements() as seen:
            assert all(isinstance(answer, Hold) for answer in shop.do_all(verb, *changes))
        counts.add(len(seen))
    assert len(counts) == 1, counts
