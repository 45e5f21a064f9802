"""What the ledger does by the clock: partitions ahead of time, verification, nothing beyond."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from onhand.db import cursor
from onhand_stock import jobs
from onhand_stock.queries import last_verification, verifications

PARTITIONS = """
SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = 'stock.movement'::regclass ORDER BY 1
"""


def next_months(count):
    now = datetime.now(UTC)
    months = [(now.year * 12 + now.month - 1 + ahead) for ahead in range(count + 1)]
    return [f"movement_{month // 12}_{month % 12 + 1:02}" for month in months]


def test_partitions_are_made_ahead_and_twice_is_harmless(app, shop, superuser):
    superuser(f"DROP TABLE stock.{next_months(3)[-1]}")
    for _ in range(2):
        with app.app_context():
            jobs.make_partitions([shop.entity.id])
        assert {row[0] for row in superuser(PARTITIONS)} >= {*next_months(3), "movement_default"}


def test_what_is_recorded_lies_in_the_partition_of_its_month(shop, superuser):
    shop.receive(1)
    [row] = superuser("SELECT tableoid::regclass::text FROM stock.movement")
    assert row[0] == f"stock.{next_months(0)[0]}"


@pytest.mark.parametrize("months", [-1, 25, 1_000_000])
def test_the_owners_function_makes_no_more_than_two_years_of_partitions(shop, months):
    with pytest.raises(psycopg.errors.RaiseException):
        shop.run(lambda session, _: cursor(session).execute("SELECT stock.make_partitions(%s)", (months,)))


def test_the_books_are_verified_by_a_job_over_all_entities(app, shop, other_shop, transact):
    other_shop.receive(1)
    for _ in range(2):
        with app.app_context():
            jobs.verify_books([shop.entity.id])
    runs = transact(lambda session, _: verifications(session, limit=10))
    assert [run.differences for run in runs] == [0, 0]
    assert transact(lambda session, _: last_verification(session)).id == runs[0].id


def test_the_books_are_verified_every_hour(app):
    from onhand_stock import plugin

    [schedule] = [one for one in plugin.schedules() if one.actor is jobs.verify_books]
    assert schedule.every == timedelta(hours=1)


def test_a_job_finds_what_differs_in_any_entity(app, shop, other_shop, transact, superuser):
    other_shop.receive(1)
    superuser("UPDATE stock.balance SET damaged = 3 WHERE entity_id = %s", other_shop.entity.id)
    with app.app_context():
        jobs.verify_books([shop.entity.id])
    last = transact(lambda session, _: last_verification(session))
    assert last.differences >= 1
    assert "balance_is_sum_of_ledger" in {law["name"] for law in last.findings if law["differences"]}


def scraped(client):
    """The figures of the last verification that Prometheus is told."""
    lines = client.get("/metrics").text.splitlines()
    told = dict(line.rsplit(" ", 1) for line in lines if line.startswith("onhand_stock_verification"))
    return {name: float(value) for name, value in told.items()}


def test_prometheus_is_told_what_the_last_verification_found_in_any_entity(app, client, shop, other_shop, superuser):
    assert scraped(client) == {}
    other_shop.receive(1)
    with app.app_context():
        jobs.verify_books([shop.entity.id])
    assert scraped(client)["onhand_stock_verification_differences"] == 0
    superuser("UPDATE stock.balance SET damaged = 3 WHERE entity_id = %s", other_shop.entity.id)
    superuser("UPDATE stock.verification SET recorded_at = recorded_at - interval '2 hours'")
    assert 7200 <= scraped(client)["onhand_stock_verification_age_seconds"] < 9000
    with app.app_context():
        jobs.verify_books([shop.entity.id])
    told = scraped(client)
    law = 'onhand_stock_verification_differences_by_law{code="I1",law="balance_is_sum_of_ledger"}'
    assert told["onhand_stock_verification_differences"] >= told[law] == 1
    assert told["onhand_stock_verification_age_seconds"] < 3600


def test_an_add_on_that_cannot_be_measured_leaves_out_no_other(app, client, shop, monkeypatch):
    with app.app_context():
        jobs.verify_books([shop.entity.id])
    monkeypatch.setattr("onhand_stock.plugin.last_verified", lambda session, now: 1 // 0)
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert "onhand_request_seconds" in answer.text
    assert scraped(client) == {}
