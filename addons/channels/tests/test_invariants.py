"""The laws of the inbox: each query finds what is planted, and nothing in an honest book."""

import pytest
from onhand_channels.invariants import CHANNEL_INVARIANTS

LAWS = {law.name: law for law in CHANNEL_INVARIANTS}
CHECKS = ("event_parked_reason_check", "event_outcome_check", "event_detail_check")


@pytest.fixture
def found(superuser):
    """`found(name)`: the rows that break a law."""
    return lambda name: superuser(LAWS[name].sql.replace("%", "%%"))


@pytest.fixture
def told(shop):
    """Events that were posted, sent again, altered under their id, and parked; an order beside them."""
    sale = shop.event("sale", {"TEA": 2})
    altered = shop.event("sale", {"TEA": 3}, id=sale["id"])
    shop.tell(sale, shop.event("order", {"TEA": 1}, order="o-1", location=None))
    assert shop.outcomes(sale, altered, shop.event("sale", {"NOPE": 1})) == ["duplicate", "conflict", "parked"]
    return sale


@pytest.fixture
def planted(superuser, told):
    """`planted(sql)`: do what the constraints forbid; they are back after the test."""
    defined = [
        (name, superuser("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = %s", name)[0][0])
        for name in CHECKS
    ]
    for name in CHECKS:
        superuser(f"ALTER TABLE channels.event DROP CONSTRAINT {name}")
    yield superuser
    superuser("TRUNCATE channels.event")
    for name, definition in defined:
        superuser(f"ALTER TABLE channels.event ADD CONSTRAINT {name} {definition}")


@pytest.mark.parametrize("name", LAWS)
def test_an_honest_inbox_breaks_no_law(told, found, name):
    assert found(name) == []


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE stock.movement SET recorded_at = recorded_at + interval '1 microsecond' WHERE source_event IS NOT NULL",
        "UPDATE stock.movement SET source = 'elsewhere' WHERE source_event IS NOT NULL",
        "UPDATE stock.movement SET source_event = 'never kept' WHERE source_event IS NOT NULL",
        "UPDATE channels.event SET outcome = 'parked', reason = 'unknown_item' WHERE outcome = 'posted'",
        "DELETE FROM channels.event WHERE outcome = 'posted'",
    ],
)
def test_an_effect_without_its_event_or_at_another_time_is_found(planted, found, sql):
    planted(sql)
    assert len(found("events_have_one_effect")) == 1


def test_an_effect_that_was_had_twice_is_found(told, found, superuser):
    columns = "entity_id, item_id, from_location_id, quantity, from_after, occurred_at, from_state, to_state, kind, trigger, actor, source, source_event"
    superuser(
        f"INSERT INTO stock.movement (recorded_at, {columns})"
        f" SELECT recorded_at + interval '1 second', {columns} FROM stock.movement WHERE source_event = %s",
        told["id"],
    )
    assert [row[3] for row in found("events_have_one_effect")] == [told["id"]]


@pytest.mark.parametrize(
    "sql",
    ["UPDATE channels.event_conflict SET event_id = 'another'",
     "UPDATE channels.event_conflict k SET body = e.body FROM channels.event e WHERE e.event_id = k.event_id"],
)  # fmt: skip
def test_a_conflict_with_nothing_is_found(told, found, superuser, sql):
    superuser(sql)
    assert len(found("conflicts_are_of_kept_events")) == 1


@pytest.mark.parametrize(
    "sql",
    ["UPDATE channels.event SET reason = NULL, detail = NULL WHERE outcome = 'parked'",
     "UPDATE channels.event SET reason = '' WHERE outcome = 'parked'",
     "UPDATE channels.event SET posted_at = now() WHERE outcome = 'parked'"],
)  # fmt: skip
def test_what_is_parked_without_a_reason_or_posted_none_the_less_is_found(planted, found, sql):
    planted(sql)
    assert len(found("events_are_posted_or_say_why_not")) == 1


@pytest.mark.parametrize("table", ["event", "order_line"])
def test_what_lies_in_another_entity_than_its_channel_is_found(told, found, superuser, entities, table):
    superuser(f"UPDATE channels.{table} SET entity_id = %s", entities[1].id)
    assert {row[0] for row in found("events_stay_in_their_entity")} == {table.replace("_", " ")}
