"""The laws of promises: each query finds what is planted, and nothing in an honest book."""

from contextlib import contextmanager

import psycopg
import pytest
from onhand_reservations.invariants import PROMISE_INVARIANTS

BY_NAME = {one.name: one for one in PROMISE_INVARIANTS}


@pytest.fixture
def found(superuser):
    """`found(name)`: the rows that break a law."""
    return lambda name: superuser(BY_NAME[name].sql.replace("%", "%%"))


@pytest.fixture
def unchecked(superuser):
    """`with unchecked(table, constraint, columns)`: rows may be planted that a foreign key forbids, and are forgotten."""

    @contextmanager
    def lifted(table, name, definition):
        superuser(f"ALTER TABLE reservations.{table} DROP CONSTRAINT {name}")
        try:
            yield
        finally:
            superuser(f"ALTER TABLE reservations.{table} ADD CONSTRAINT {name} {definition} NOT VALID")

    return lifted


LINE = (
    "hold_line",
    "hold_line_item_id_location_id_fkey",
    "FOREIGN KEY (item_id, location_id) REFERENCES stock.balance (item_id, location_id)",
)
HOLD = (
    "hold",
    "hold_channel_id_entity_id_fkey",
    "FOREIGN KEY (channel_id, entity_id) REFERENCES channels.channel (id, entity_id)",
)


@pytest.fixture
def promises(shop):
    """A hold of every status; the one asked for by its status."""
    shop.stock(20)
    held = {"held": shop.hold(2), "confirmed": shop.firm(2), "fulfilled": shop.firm(2), "released": shop.hold(2)}
    shop.do("fulfil", held["fulfilled"])
    shop.do("release", held["released"])
    held["expired"] = shop.hold(2, ttl_seconds=1)
    shop.pass_time(seconds=1)
    shop.sweep()
    return held


@pytest.mark.parametrize("name", BY_NAME)
def test_an_honest_book_breaks_no_law(promises, found, name):
    assert found(name) == []


@pytest.mark.parametrize("column", ["fulfilled", "released"])
def test_units_whose_promise_ended_without_leaving_their_state_are_found(shop, promises, found, superuser, column):
    superuser(f"UPDATE reservations.hold_line SET {column} = {column} + 1 WHERE hold_id = %s", promises["held"].id)
    assert found("promised_units_are_held") == [(shop.item.id, shop.store.id, 4, 3)]


def test_promised_units_without_a_promise_are_found(shop, promises, found, superuser):
    superuser("UPDATE stock.balance SET available = available - 1, picked = picked + 1 WHERE available > 0")
    assert found("promised_units_are_held") == [(shop.item.id, shop.store.id, 5, 4)]


def test_a_promise_without_any_balance_is_found(shop, promises, found, superuser, unchecked):
    other, held = shop.items[1], promises["held"].id
    with unchecked(*LINE):
        superuser("UPDATE reservations.hold_line SET item_id = %s WHERE hold_id = %s", other.id, held)
        assert (other.id, shop.store.id, 0, 2) in found("promised_units_are_held")


@pytest.mark.parametrize("change", ["hold_line SET item_id = -1", "hold SET channel_id = -1"])
def test_the_database_itself_keeps_promises_to_real_balances_and_channels(promises, superuser, change):
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        superuser(f"UPDATE reservations.{change}")


@pytest.mark.parametrize("status", ["fulfilled", "released", "expired"])
def test_a_settled_hold_that_still_promises_is_found(promises, found, superuser, status):
    held = promises[status].id
    superuser("UPDATE reservations.hold_line SET fulfilled = 0, released = 0, lapsed = 0 WHERE hold_id = %s", held)
    assert found("each_promise_ends_once") == [(held, status, 2)]


@pytest.mark.parametrize("status", ["held", "confirmed"])
def test_an_open_hold_that_promises_nothing_is_found(promises, found, superuser, status):
    held = promises[status].id
    superuser("UPDATE reservations.hold_line SET released = 2 WHERE hold_id = %s", held)
    assert found("each_promise_ends_once") == [(held, status, 0)]


def test_a_hold_without_lines_is_found(promises, found, superuser):
    held = promises["confirmed"].id
    superuser("DELETE FROM reservations.hold_line WHERE hold_id = %s", held)
    assert found("each_promise_ends_once") == [(held, "confirmed", 0)]


def test_a_unit_whose_promise_ended_twice_is_found(promises, found, superuser):
    held = promises["fulfilled"].id
    superuser("ALTER TABLE reservations.hold_line DROP CONSTRAINT hold_line_each_unit_ends_once_check")
    try:
        superuser("UPDATE reservations.hold_line SET released = 1 WHERE hold_id = %s", held)
        assert found("each_promise_ends_once") == [(held, "fulfilled", -1)]
        superuser("UPDATE reservations.hold_line SET released = 0 WHERE hold_id = %s", held)
    finally:
        superuser(
            "ALTER TABLE reservations.hold_line ADD CONSTRAINT hold_line_each_unit_ends_once_check"
            " CHECK (fulfilled + released <= quantity)"
        )


def test_the_database_itself_ends_no_promise_twice(promises, superuser):
    with pytest.raises(psycopg.errors.CheckViolation):
        superuser("UPDATE reservations.hold_line SET released = 1 WHERE hold_id = %s", promises["fulfilled"].id)


def test_a_hold_that_outlives_its_time_is_found(promises, found, superuser):
    held = promises["held"].id
    superuser("UPDATE reservations.hold SET expires_at = now() - interval '11 seconds' WHERE id = %s", held)
    assert [row[0] for row in found("holds_expire_in_time")] == [held]
    superuser("UPDATE reservations.hold SET expires_at = now() - interval '5 seconds' WHERE id = %s", held)
    assert found("holds_expire_in_time") == []


def test_a_promise_that_reaches_into_another_entity_is_found(promises, other_shop, found, superuser, unchecked):
    held = promises["held"].id
    with unchecked(*LINE):
        superuser("UPDATE reservations.hold_line SET location_id = %s WHERE hold_id = %s", other_shop.store.id, held)
        assert [row[0] for row in found("promises_stay_in_their_entity")] == [held]


def test_a_hold_for_another_entitys_channel_is_found(promises, other_shop, found, superuser, unchecked):
    held = promises["held"].id
    with unchecked(*HOLD):
        superuser("UPDATE reservations.hold SET channel_id = %s WHERE id = %s", other_shop.channel.id, held)
        assert [row[0] for row in found("promises_stay_in_their_entity")] == [held]


def test_a_hold_held_anew_before_its_time_is_found(shop, promises, found, superuser):
    old, new = promises["confirmed"].id, promises["held"].id
    superuser("UPDATE reservations.hold SET replaces = %s WHERE id = %s", old, new)
    assert [row[0] for row in found("only_expired_holds_are_replaced")] == [new]
    same = "UPDATE reservations.hold n SET replaces = o.id, reference = o.reference FROM reservations.hold o"
    superuser(f"{same} WHERE n.id = %s AND o.id = %s", new, promises["expired"].id)
    assert found("only_expired_holds_are_replaced") == []
    superuser("UPDATE reservations.hold_line SET lapsed = 1 WHERE hold_id = %s", promises["expired"].id)
    assert [row[0] for row in found("only_expired_holds_are_replaced")] == [new]


@pytest.fixture
def answered(shop, program, found):
    """Two holds, each the answer to a key of its own."""
    shop.stock(5)
    body = {"channel": shop.channel.code, "reference": "web-1", "lines": [{"sku": shop.sku, "quantity": 1}]}
    told = [program.post("/reservations", body, key=key).json["id"] for key in ("k1", "k2")]
    assert program.post("/reservations", body, key="k1").json["id"] == told[0]
    assert found("keys_have_one_effect") == []
    return told


def test_two_keys_that_were_told_of_one_hold_are_found(answered, found, superuser):
    superuser("UPDATE onhand.idempotency_key k SET answer = o.answer FROM onhand.idempotency_key o WHERE o.key = 'k1'")
    assert {row[1] for row in found("keys_have_one_effect")} == {"k1", "k2"}


def test_an_answer_that_tells_of_a_hold_which_is_not_there_is_found(answered, found, superuser):
    superuser("DELETE FROM reservations.hold_line WHERE hold_id = %s", answered[1])
    superuser("DELETE FROM reservations.hold WHERE id = %s", answered[1])
    assert [row[1:] for row in found("keys_have_one_effect")] == [("k2", answered[1])]
