"""Senders that repeat each other at the same time: no deadlock, and exactly one effect."""

import random
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from onhand.metrics import transaction_reruns
from onhand_channels.api import replay
from onhand_channels.testing import TESTER, deliver, event, make_channel
from onhand_master_data.testing import make_item, make_items, make_location

SENDERS, EVENTS = 4, 100
WAITING = """
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


@pytest.fixture
def slowly(superuser):
    """Have each row of a table take a millisecond to insert, so that those who meet there meet for sure."""
    slowed = []
    superuser("""
        CREATE OR REPLACE FUNCTION public.dawdle() RETURNS trigger LANGUAGE plpgsql
        AS $$ BEGIN PERFORM pg_sleep(0.001); RETURN NEW; END $$
    """)

    def slow(table):
        superuser(f"CREATE TRIGGER dawdle BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION public.dawdle()")
        slowed.append(table)

    yield slow
    for table in slowed:
        superuser(f"DROP TRIGGER dawdle ON {table}")
    superuser("DROP FUNCTION public.dawdle()")


@pytest.fixture
def at_once(site, superuser):
    """Run calls in threads of their own, held up at a table until all are there; return what they answer."""

    def run(table, *calls):
        address = site.database.addresses.libpq("postgres", site.database.name)
        with psycopg.connect(address) as gate, ThreadPoolExecutor(len(calls)) as pool:
            gate.execute(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE")
            futures = [pool.submit(call) for call in calls]
            deadline = time.monotonic() + 60
            while superuser(WAITING)[0][0] < len(calls):
                assert time.monotonic() < deadline
            gate.commit()
            return [future.result() for future in futures]

    return run


@pytest.fixture
def deadlocks():
    """How many transactions ended in a deadlock and were run again."""
    return transaction_reruns.labels("40P01")._value.get


@pytest.mark.parametrize("table", ["channels.event", "channels.event_conflict"])
def test_the_same_batches_in_opposite_orders_have_one_effect_and_no_deadlock(
    at_once, slowly, transact, entities, superuser, deadlocks, table
):
    a, _ = entities

    def world(session, now):
        shop = make_location(session, now, a.id)
        skus = [item.sku for item in make_items(session, now, EVENTS, a.id)]
        return shop, skus, make_channel(session, now, a.id, shop.id)

    shop, skus, till = transact(world)
    nouns = ("sale", "shipment", "return", "cancellation")
    batch = [
        event(till, nouns[n % 4], {sku: 1}, location=shop.code, order=f"o-{n % 7}", id=f"e-{n}")
        for n, sku in enumerate(skus)
    ]
    other = [{**one, "subject": "another body"} for one in batch]
    if table == "channels.event_conflict":
        transact(lambda session, now: deliver(session, now, till, *batch))
    orders = [batch + other, other[::-1] + batch[::-1], *(random.sample(batch + other, 2 * EVENTS) for _ in range(2))]
    before = deadlocks()
    slowly(table)
    results = at_once(
        table,
        *(lambda told=told: transact(lambda session, now: deliver(session, now, till, *told)) for told in orders),
    )
    assert deadlocks() == before
    answers = [one for answered in results for one in answered]
    posted = Counter(one.id for one in answers if one.outcome == "posted")
    if table == "channels.event":
        assert posted == {one["id"]: 1 for one in batch}
    assert {one.outcome for one in answers} <= {"posted", "duplicate", "conflict"}
    assert superuser("SELECT count(*) FROM channels.event") == [(EVENTS,)]
    assert superuser("SELECT count(*) FROM channels.event_conflict") == [(EVENTS,)]
    assert superuser("SELECT count(*), sum(quantity) FROM stock.movement") == [(EVENTS * 3 // 4, EVENTS * 3 // 4)]


def test_without_one_order_the_same_batches_do_deadlock(superuser, services, site):
    """The control: events inserted as they come, two senders in opposite orders, and PostgreSQL has to end one."""
    superuser("CREATE TABLE IF NOT EXISTS public.naive (id text PRIMARY KEY)")
    ids = [f"e-{n}" for n in range(2)]

    def insert(connection, event_id):
        connection.execute("INSERT INTO public.naive VALUES (%s) ON CONFLICT DO NOTHING", (event_id,))

    address = site.database.addresses.libpq("onhand_owner", site.database.name)
    try:
        superuser("GRANT ALL ON public.naive TO onhand_owner")
        with psycopg.connect(address) as one, psycopg.connect(address) as two:
            insert(one, ids[0])
            insert(two, ids[1])
            with ThreadPoolExecutor(2) as pool, pytest.raises(psycopg.errors.DeadlockDetected):  # noqa: PT012
                crossing = [pool.submit(insert, one, ids[1]), pool.submit(insert, two, ids[0])]
                for future in crossing:
                    future.result()
    finally:
        superuser("DROP TABLE public.naive")


def test_two_who_replay_the_same_events_post_them_once(at_once, shop, transact):
    shop.tell(*(shop.event("sale", {"NEW": 1}) for _ in range(50)))
    new = transact(lambda session, now: make_item(session, now, shop.entity.id, sku="NEW"))

    def again():
        return transact(lambda session, now: replay(session, shop.till, None, by=TESTER, now=now))

    results = at_once("channels.event", *[again] * SENDERS)
    assert sorted(len(answers) for answers in results) == [0] * (SENDERS - 1) + [50]
    assert shop.states(new) == {"shortage": 50}
