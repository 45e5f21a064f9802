"""Two times: what was so in the world at a moment, as far as the book knew it at another."""

from datetime import UTC, datetime, timedelta

import pytest
from onhand_stock.api import as_of, balances

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def ask(shop):
    def ask(at, known_at):
        rows = shop.run(lambda session, _: as_of(session, [shop.item.id], [shop.location.id], at=at, known_at=known_at))
        return {state: units for row in rows for state, units in row.states.items() if units}

    return ask


def test_what_happened_and_what_was_known_are_asked_apart(shop, ask):
    shop.receive(10, occurred_at=NOON)
    known_before_the_sale = shop.entries()[0].recorded_at
    shop.sell(3, occurred_at=NOON + HOUR)
    known_after = shop.entries()[0].recorded_at
    assert ask(NOON - HOUR, known_after) == {}
    assert ask(NOON, known_after) == {"available": 10}
    assert ask(NOON + HOUR, known_before_the_sale) == {"available": 10}
    assert ask(NOON + HOUR, known_after) == {"available": 7}
    assert ask(NOON + HOUR, known_before_the_sale - HOUR) == {}


def test_a_late_receipt_shows_the_past_as_it_was_known_then_and_as_it_was(shop, ask):
    shop.sell(3, occurred_at=NOON + HOUR)
    then = shop.entries()[0].recorded_at
    shop.receive(5, occurred_at=NOON)
    now = shop.entries()[0].recorded_at
    assert ask(NOON + HOUR, then) == {"shortage": 3}
    assert ask(NOON + 2 * HOUR, now) == {"available": 2}


def test_what_left_before_it_came_was_short_in_between_whatever_was_told_first(shop, ask):
    shop.receive(5, occurred_at=NOON + HOUR)
    shop.sell(3, occurred_at=NOON)
    known = shop.entries()[0].recorded_at
    assert ask(NOON, known) == {"shortage": 3}
    assert ask(NOON + HOUR, known) == {"available": 2}


def test_as_of_the_latest_is_the_balance(shop, ask):
    shop.receive(10)
    shop.sell(12)
    shop.take_back(2)
    shop.count(5)
    latest = shop.entries()[0].recorded_at
    assert ask(latest, latest) == shop.states()


def test_a_reversed_entry_never_was_once_the_reversal_is_known(shop, ask):
    shop.receive(10, occurred_at=NOON)
    before = shop.entries()[0].recorded_at
    shop.reverse(shop.entries()[0])
    after = shop.entries()[0].recorded_at
    assert ask(NOON + HOUR, before) == {"available": 10}
    assert ask(NOON + HOUR, after) == {}


def test_another_entitys_rows_are_not_there(shop, other_shop):
    other_shop.receive(4)
    at = other_shop.entries()[0].recorded_at
    places = [shop.location.id, other_shop.location.id]
    assert shop.run(lambda session, _: as_of(session, [shop.item.id], places, at=at, known_at=at)) == []
    assert shop.run(lambda session, _: balances(session, [shop.entity.id, other_shop.entity.id])) == []
    [row] = other_shop.run(lambda session, _: as_of(session, [shop.item.id], places, at=at, known_at=at))
    assert (row.entity_id, row.location_id, row.on_hand) == (other_shop.entity.id, other_shop.location.id, 4)
