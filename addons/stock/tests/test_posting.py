"""The posting verb: who gets the last unit, what stands or falls together, and what is refused by the database itself."""

from datetime import UTC, datetime

import psycopg
import pytest
from onhand.db import cursor
from onhand_stock.api import Accepted, Group, Move, Refused, Shortfall, post
from onhand_stock.testing import TESTER

VALUES = "SELECT kind, value_minor FROM stock.movement ORDER BY kind"
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


def group(key, *moves, **more):
    return Group(key, moves, f"doc:{key}", NOON, "test", **more)


def use_up(shop, units, **more):
    return shop.move("use_up", units, "available", "scrap", **more)


def test_of_two_that_want_the_last_unit_the_first_in_the_list_gets_it(shop, books_agree):
    shop.receive(1)
    first, second = shop.post(
        group("one", use_up(shop, 1), reason="broken"), group("two", use_up(shop, 1), reason="broken")
    )
    assert type(first) is Accepted
    assert second == Refused("two", (Shortfall(0, shop.item.id, shop.location.id, 1, 0),))
    assert shop.states() == {}
    books_agree()


def test_a_group_is_posted_whole_or_not_at_all_and_names_all_its_shortfalls(shop, books_agree):
    _, b, c = shop.items[:3]
    shop.receive(5)
    shop.receive(1, b)
    moves = use_up(shop, 5), use_up(shop, 2, item=b), use_up(shop, 4, item=c)
    [refused] = shop.post(group("all", *moves, reason="fire"))
    assert refused.shortfalls == (
        Shortfall(1, b.id, shop.location.id, 2, 1),
        Shortfall(2, c.id, shop.location.id, 4, 0),
    )
    assert (shop.states(), shop.states(b), shop.states(c)) == ({"available": 5}, {"available": 1}, {})
    assert [entry.kind for entry in shop.entries()] == ["receipt"]
    books_agree()


def test_what_a_refused_group_would_have_taken_is_there_for_the_next(shop):
    shop.receive(3)
    a, b = shop.items[:2]
    refused, accepted = shop.post(
        group("too much", use_up(shop, 2), use_up(shop, 1, item=b), reason="fire"),
        group("enough", use_up(shop, 3), reason="fire"),
    )
    assert (type(refused), type(accepted)) == (Refused, Accepted)
    assert shop.states(a) == {}


def test_an_intent_leaves_its_floor(shop, books_agree):
    shop.receive(5)
    [refused] = shop.post(group("g", use_up(shop, 3, floor=3), reason="fire"))
    assert refused.shortfalls == (Shortfall(0, shop.item.id, shop.location.id, 3, 2),)
    [accepted] = shop.post(group("g", use_up(shop, 2, floor=3), reason="fire"))
    assert [(entry.from_after, entry.floor) for entry in accepted.entries] == [(3, 3)]
    books_agree()


def test_a_floor_holds_for_the_shelf_and_not_for_other_sources(shop, books_agree):
    shop.receive(4)
    entity, here, item = shop.entity.id, shop.location.id, shop.item.id
    quarantine = Move("use_up", entity, item, 3, (("quarantined", None), ("available", None)), "scrap", here, None, 1)
    [accepted] = shop.post(group("g", quarantine, reason="fire"))
    assert [(entry.from_state, entry.quantity, entry.floor) for entry in accepted.entries] == [("available", 3, 1)]
    books_agree()


def test_entries_carry_document_author_times_and_the_balances_left(shop):
    shop.receive(5, occurred_at=NOON, document="delivery:7")
    shop.sell(2, document="till:1/9")
    sale, receipt = shop.entries()
    assert (receipt.trigger, receipt.actor, receipt.occurred_at) == ("delivery:7", "system:test", NOON)
    assert (receipt.from_state, receipt.from_after, receipt.to_state, receipt.to_after) == ("supplier", None, "available", 5)  # fmt: skip
    assert (sale.from_state, sale.from_after, sale.to_state, sale.to_after) == ("available", 3, "customer", None)
    assert sale.recorded_at > receipt.recorded_at


def test_a_group_may_name_its_own_author(shop):
    shop.post(group("g", shop.move("receipt", 1, "supplier", "available"), actor="token:7"))
    assert shop.entries()[0].actor == "token:7"


def test_a_move_that_its_kind_does_not_allow_is_an_error_and_leaves_nothing(shop):
    shop.receive(1)
    with pytest.raises(ValueError, match="'sale' may not move stock from 'available' to 'damaged'"):
        shop.post(group("g", shop.move("sale", 1, "available", "damaged")))
    with pytest.raises(ValueError, match="'teleport' may not move"):
        shop.post(group("g", shop.move("teleport", 1, "available", "damaged")))
    assert len(shop.entries()) == 1


def test_a_kind_that_needs_a_reason_is_not_posted_without(shop):
    shop.receive(1)
    with pytest.raises(ValueError, match="'use_up' needs a reason"):
        shop.post(group("g", use_up(shop, 1)))


@pytest.mark.parametrize("units", [0, -3])
def test_nothing_and_less_than_nothing_cannot_be_moved(shop, units):
    with pytest.raises(ValueError, match="moves nothing"):
        shop.post(group("g", shop.move("sale", units, "available", "customer")))


def test_an_entity_can_neither_use_nor_see_anothers_location(shop, other_shop):
    theirs = Move("receipt", shop.entity.id, shop.item.id, 1, (("supplier", None),), "available", None,
                  other_shop.location.id)  # fmt: skip
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        shop.post(group("g", theirs))
    other_shop.receive(3)
    with pytest.raises(LookupError):
        shop.post(group("g", theirs))
    foreign = Move("receipt", other_shop.entity.id, shop.item.id, 1, (("supplier", None),), "available", None,
                   other_shop.location.id)  # fmt: skip
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        shop.post(group("g", foreign))
    seen = shop.run(lambda session, _: cursor(session).execute("SELECT count(*) FROM stock.movement").fetchone()[0])
    assert seen == 0
    assert other_shop.states() == {"available": 3}


def test_even_with_both_entities_in_scope_a_location_stays_its_owners(shop, other_shop, transact):
    other_shop.receive(3)
    mixed = Move("sale", shop.entity.id, shop.item.id, 1, (("available", None),), "customer", other_shop.location.id)
    with pytest.raises(LookupError, match="not its entity's"):
        transact(lambda session, now: post(session, [group("g", mixed)], by=TESTER, now=now))
    right = Move("sale", other_shop.entity.id, shop.item.id, 1, (("available", None),), "customer", other_shop.location.id)  # fmt: skip
    with pytest.raises(ValueError, match="belongs to one entity"):
        transact(lambda session, now: post(session, [group("g", right, mixed)], by=TESTER, now=now))


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE stock.balance SET available = available + 1",
        "INSERT INTO stock.balance (item_id, location_id, entity_id) VALUES (1, 1, 1)",
        "DELETE FROM stock.balance",
        "INSERT INTO stock.movement (recorded_at, entity_id) VALUES (now(), 1)",
        "UPDATE stock.movement SET quantity = 7",
        "DELETE FROM stock.movement",
        "TRUNCATE stock.movement",
        "SELECT * FROM stock.movement_default",
        "UPDATE stock.shortage SET cleared = quantity",
        "DELETE FROM stock.reversal",
        "SELECT nextval('stock.movement_id_seq')",
    ],
)
def test_the_application_cannot_write_the_ledger_past_the_verb(shop, sql):
    shop.receive(1)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        shop.run(lambda session, _: cursor(session).execute(sql))


@pytest.mark.parametrize("sql", ["UPDATE stock.movement SET quantity = 7", "DELETE FROM stock.movement"])
def test_not_even_the_verbs_own_role_can_rewrite_an_entry(shop, sql):
    shop.receive(1)

    def command(session, _):
        cursor(session).execute("SET LOCAL ROLE onhand_stock")
        cursor(session).execute(sql)

    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        shop.run(command)


def test_the_verb_hands_its_role_back(shop):
    def who(session, _):
        return cursor(session).execute("SELECT current_user").fetchone()[0]

    def command(session, now):
        shop_group = group("g", shop.move("receipt", 1, "supplier", "available"))
        post(session, [shop_group], by=TESTER, now=now)
        return who(session, now)

    assert shop.run(command) == shop.run(who) == "onhand_app"


def test_the_number_of_statements_does_not_depend_on_the_length_of_the_list(shop, statements):
    def post_many(groups):
        listed = [
            group(f"g{n}", shop.move("sale", 1, "available", "customer", item=shop.items[n % len(shop.items)]))
            for n in range(groups)
        ]
        with statements() as seen:
            assert len(shop.post(*listed)) == groups
        return len(seen)

    shop.receive(1)
    post_many(500)  # makes the balances
    assert post_many(1) == post_many(10) == post_many(500)


def test_posting_nothing_asks_the_database_nothing(shop, statements):
    shop.receive(1)
    with statements() as seen:
        assert shop.post() == []
    assert seen.starting("/* post") == []


def test_other_addons_extend_each_entity_once_and_under_the_same_transaction(shop, other_shop, told, transact):
    def both(session, now):
        moves = [one.move("receipt", 2, "supplier", "available") for one in (shop, other_shop, shop)]
        post(session, [group(f"g{n}", move) for n, move in enumerate(moves)], by=TESTER, now=now)

    transact(both)
    assert sorted((len(batch), {entry[1] for entry in batch}.pop()) for batch in told.SEEN) == [
        (1, other_shop.entity.id),
        (2, shop.entity.id),
    ]
    assert {entry[0] for batch in told.SEEN for entry in batch if entry[1] == shop.entity.id} == {
        entry.id for entry in shop.entries()
    }


def test_what_an_extending_addon_raises_leaves_nothing_posted(shop, told):
    told.FAULTS.append(RuntimeError("its table is full"))
    with pytest.raises(RuntimeError, match="full"):
        shop.receive(1)
    assert shop.states() == {}
    assert shop.entries() == []


@pytest.mark.disabled_in_b("yard")
def test_an_addon_that_is_off_hears_nothing(shop, other_shop, told):
    other_shop.receive(1)
    assert told.SEEN == []
    shop.receive(1)
    assert len(told.SEEN) == 1


def test_a_value_kind_moves_no_units_and_is_told(shop, books_agree):
    shop.receive(3)
    move = shop.move("markdown", 0, "available", "available")
    sale = group("s", shop.move("sale", 1, "available", "customer"))
    marked, _ = shop.post(group("g", move, reason="price_drop", value_minor=-250), sale)
    assert [(entry.quantity, entry.from_after, entry.to_after) for entry in marked.entries] == [(0, 3, 3)]
    assert shop.states() == {"available": 2}
    values = shop.run(lambda session, _: cursor(session).execute(VALUES).fetchall())
    assert values == [("markdown", -250), ("receipt", None), ("sale", None)]
    books_agree()


def test_a_value_kind_without_a_value_moves_nothing(shop):
    with pytest.raises(ValueError, match="moves nothing"):
        shop.post(group("g", shop.move("markdown", 0, "available", "available"), reason="price_drop"))


def test_a_fact_whose_own_source_is_empty_takes_from_the_shelf_before_it_goes_short(shop, books_agree):
    shop.receive(2)
    entity, here = shop.entity.id, shop.location.id
    ship = Move("ship", entity, shop.item.id, 3, (("reserved", None),), "customer", here, None)
    [accepted] = shop.post(group("g", ship))
    assert [(entry.from_state, entry.quantity) for entry in accepted.entries] == [("available", 2), ("shortage", 1)]
    assert shop.states() == {"shortage": 1}
    books_agree()


def test_a_fact_within_a_location_never_leaves_stock_beside_a_shortage(shop, books_agree):
    shop.receive(2)
    shop.post(group("g", shop.move("put_away", 3, "receiving", "available")))
    assert shop.states() == {"available": 2}
    books_agree()


def test_two_kinds_of_one_name_are_refused_at_the_start(app, monkeypatch):
    from onhand_stock import kinds

    addons = app.extensions["onhand"]
    contributed = [("stock", kinds.STOCK_KINDS), ("yard", [kinds.STOCK_KINDS[0]])]
    monkeypatch.setattr(addons, "gather_by_addon", lambda hook: contributed)
    with pytest.raises(ValueError, match="'yard' declares movement kind 'sale', which exists already"):
        kinds.kinds_of(addons)


def test_a_kind_moves_between_states_that_exist():
    from onhand_stock.api import MovementKind

    with pytest.raises(ValueError, match="no transition between known states"):
        MovementKind("lend", "Lent", "fact", (("available", "lent"),))
    with pytest.raises(ValueError, match="no transition between known states"):
        MovementKind("stay", "Stays", "fact", (("available", "available"),))
