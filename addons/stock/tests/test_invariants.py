"""A checker nobody tested proves nothing: each law's violation is planted, past every wall, and found."""

import pytest
from onhand_stock.invariants import STOCK_INVARIANTS
from onhand_stock.testing import differences

NAMES = [law.name for law in STOCK_INVARIANTS]
DROP = "ALTER TABLE stock.{table} DROP CONSTRAINT {name}"
CHECKS = {
    "balance": ["balance_no_stock_beside_shortage_check", "balance_available_check", "balance_picked_check"],
    "movement": ["movement_floor_check", "movement_trigger_check", "movement_actor_check", "movement_quantity_check"],
    "shortage": ["shortage_cleared_check"],
    "reversal": ["reversal_pkey"],
}
ENTRY = """
INSERT INTO stock.movement (recorded_at, entity_id, item_id, from_location_id, to_location_id, quantity, from_after,
  to_after, occurred_at, from_state, to_state, kind, trigger, actor, source)
SELECT now(), {entity}, {item}, {place}, NULL, 1, 4, NULL, now(), 'available', 'customer', 'sale', 't', 'a', 's'
"""
PLANTED = {
    "balance_is_sum_of_ledger": ["UPDATE stock.balance SET damaged = damaged + 1 WHERE item_id = {item}"],
    "entries_left_these_balances": ["UPDATE stock.movement SET to_after = to_after + 1 WHERE kind = 'receipt'"],
    "outside_accounts_agree": [
        "UPDATE stock.movement SET to_state = 'damaged', to_location_id = {place} WHERE kind = 'sale' AND item_id = {item}"
    ],
    "nothing_negative": ["UPDATE stock.balance SET picked = -1 WHERE item_id = {item}"],
    "shortages_are_explained": ["UPDATE stock.shortage SET cleared = cleared + 1 WHERE item_id = {short}"],
    "shortages_follow_their_entries": ["UPDATE stock.shortage SET quantity = quantity + 1, cleared = cleared + 1"],
    "floors_were_kept": ["UPDATE stock.movement SET floor = 99 WHERE kind = 'sale'"],
    "entries_are_complete_and_legal": ["UPDATE stock.movement SET actor = '' WHERE kind = 'sale'"],
    "reversals_mirror_their_originals": [
        "UPDATE stock.movement SET quantity = quantity + 1 WHERE reverses_id IS NOT NULL"
    ],
    "reversed_at_most_once": ["DELETE FROM stock.reversal"],
    "entries_name_real_rows": ["UPDATE stock.movement SET entity_id = entity_id + 1 WHERE kind = 'sale'"],
    "entries_lie_in_their_month": ["UPDATE stock.movement SET recorded_at = '2001-01-01' WHERE kind = 'sale'"],
}
FURTHER = [
    ("entries_are_complete_and_legal", "UPDATE stock.movement SET trigger = '' WHERE kind = 'sale'"),
    ("entries_are_complete_and_legal", "UPDATE stock.movement SET kind = 'teleport' WHERE kind = 'sale'"),
    ("entries_are_complete_and_legal", "UPDATE stock.movement SET to_state = 'scrap' WHERE kind = 'sale'"),
    ("entries_are_complete_and_legal", "UPDATE stock.movement SET quantity = 0 WHERE kind = 'sale'"),
    ("entries_are_complete_and_legal", "UPDATE stock.movement SET reason = '' WHERE kind = 'write_off'"),
    ("entries_are_complete_and_legal", "UPDATE stock.movement SET value_minor = 7 WHERE kind = 'sale'"),
    ("nothing_negative", "UPDATE stock.balance SET available = 1 WHERE item_id = {short}"),
    ("reversals_mirror_their_originals", "UPDATE stock.movement SET to_state = 'scrap' WHERE reverses_id IS NOT NULL"),
    ("reversals_mirror_their_originals", "UPDATE stock.movement SET reverses_id = 0 WHERE reverses_id IS NOT NULL"),
    ("reversed_at_most_once", "UPDATE stock.reversal SET reversed_at = now()"),
    ("shortages_follow_their_entries", "DELETE FROM stock.shortage_clearance"),
    ("shortages_follow_their_entries", "DELETE FROM stock.shortage"),
    ("entries_name_real_rows", "UPDATE stock.movement SET to_location_id = 0 WHERE kind = 'receipt'"),
    ("balance_is_sum_of_ledger", "DELETE FROM stock.balance"),
    ("balance_is_sum_of_ledger", ENTRY),
]


@pytest.fixture
def eventful(shop):
    """A history with a bit of everything: the books agree."""
    item, short, third = shop.items[:3]
    shop.receive(10, item)
    shop.sell(2, item)
    shop.sell(4, short)
    shop.receive(1, short)
    shop.receive(6, third)
    shop.reverse(shop.entries(third)[0])
    shop.count(7, item=item)
    shop.post(_write_off(shop, item))
    return {"item": item.id, "short": short.id, "place": shop.location.id, "entity": shop.entity.id}


def _write_off(shop, item):
    from datetime import UTC, datetime

    from onhand_stock.api import Group

    move = shop.move("write_off", 1, "available", "scrap", item=item)
    return Group("w", (move,), "w:1", datetime(2026, 1, 5, tzinfo=UTC), "test", reason="broken")


@pytest.fixture
def plant(superuser, eventful):
    """Do what no verb would, the constraints that forbid it set aside for the time of the test."""
    dropped = [(table, name) for table, names in CHECKS.items() for name in names]
    defined = [
        (table, name, superuser(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = %s::regclass AND conname = %s",
            f"stock.{table}", name,
        )[0][0])
        for table, name in dropped
    ]  # fmt: skip
    for table, name in dropped:
        superuser(DROP.format(table=table, name=name))
    yield lambda sql: superuser(sql.format(**eventful))
    superuser(
        "TRUNCATE stock.balance, stock.movement, stock.shortage, stock.shortage_clearance, stock.reversal, stock.stock_count"
    )
    for table, name, definition in defined:
        superuser(f"ALTER TABLE stock.{table} ADD CONSTRAINT {name} {definition}")


def found(transact):
    return {finding.name for finding in transact(differences)}


def test_every_law_has_its_violation():
    assert sorted(PLANTED) == sorted(NAMES)
    assert len(set(NAMES)) == len(NAMES)


def test_an_honest_history_breaks_no_law(eventful, transact):
    assert found(transact) == set()


@pytest.mark.parametrize("name", NAMES)
def test_a_broken_law_is_found(plant, transact, name):
    for sql in PLANTED[name]:
        plant(sql)
    assert name in found(transact)


@pytest.mark.parametrize(("name", "sql"), FURTHER)
def test_other_ways_to_break_a_law_are_found(plant, transact, name, sql):
    plant(sql)
    assert name in found(transact)


def test_a_finding_counts_what_differs_and_shows_a_few(plant, transact):
    plant("UPDATE stock.balance SET damaged = damaged + 3")
    [finding] = [one for one in transact(differences) if one.name == "balance_is_sum_of_ledger"]
    assert finding.differences == 3
    assert {example["balance"] - example["ledger"] for example in finding.examples} == {3}
    assert (finding.code, bool(finding.explains)) == ("I1", True)


def test_each_run_is_kept(eventful, transact):
    from onhand_stock.queries import last_verification

    assert transact(lambda session, _: last_verification(session)) is None
    assert found(transact) == set()
    kept = transact(lambda session, _: last_verification(session))
    assert kept.differences == 0
    assert {law["name"] for law in kept.findings} >= set(NAMES)
