"""What is published reaches every observer after the commit, and nobody else."""

import threading
from datetime import datetime, timedelta

import pytest
from jobs_site import seen
from onhand.addons import Fault
from onhand.db import cursor
from onhand.hooks import observe
from onhand.jobs import drain
from onhand.outbox import hook_of, publish, publish_all
from onhand.relay import relay
from onhand.transaction import run
from onhand_probe.events import NobodyCares, ThingHeard, ThingSeen
from sqlalchemy.orm import Session


def count(site, table):
    return site.owner(f"SELECT count(*) FROM onhand.{table}")[0][0]


def test_an_event_reaches_each_observer_after_the_commit(site):
    run(lambda s, now: publish(s, ThingSeen(site.a, 7, occurred_at=now)), entities=[site.a])
    assert site.traces() == []
    drained = drain()
    assert (drained.events, drained.done, drained.failed) == (1, 2, 0)
    assert site.traces("probe") == site.traces("echo") == [7]
    assert count(site, "outbox") == count(site, "job") == 0


def test_a_hook_of_lists_is_called_once_per_job(site):
    run(lambda s, now: publish_all(s, [ThingHeard(site.a, number) for number in range(60)]), entities=[site.a])
    drain()
    assert site.traces("heard") == [10, 50]


def test_what_is_rolled_back_was_never_published(site):
    def command(session, now):
        publish_all(session, seen(site, 1, 2))
        raise KeyError("no")

    with pytest.raises(KeyError):
        run(command, entities=[site.a])
    assert drain().events == 0
    assert site.traces() == []


def test_nothing_is_written_where_nobody_observes(site):
    site.owner("DELETE FROM onhand.enablement WHERE entity_id = %s", site.b)
    site.owner(
        "INSERT INTO onhand.enablement (entity_id, addon, state, effective_from, recorded_at, actor)"
        " SELECT %s, 'probe', 'disabled', now(), now(), 'system:test'", site.b,
    )  # fmt: skip

    def command(session, now):
        publish_all(session, [NobodyCares(site.a), ThingSeen(site.b, 1)])
        return cursor(session).execute("SELECT count(*) FROM onhand.outbox").fetchone()[0]

    assert run(command, entities=[site.a, site.b]) == 0


def test_a_list_is_written_with_one_statement_and_told_in_order(site):
    run(lambda s, now: publish_all(s, seen(site, *range(120))), entities=[site.a])
    assert relay() == 120
    assert site.owner("SELECT count(*) FROM onhand.job WHERE actor = 'probe.observe'") == [(3,)]
    drain()
    rows = site.owner("SELECT number FROM probe.trace WHERE observer = 'probe' ORDER BY id")
    assert [row[0] for row in rows] == list(range(120))


def test_a_draining_addon_is_still_told_and_a_disabled_one_is_not(site):
    for addon, state in (("echo", "draining"), ("probe", "disabled")):
        site.owner(
            "INSERT INTO onhand.enablement (entity_id, addon, state, effective_from, recorded_at, actor)"
            " VALUES (%s, %s, %s, now(), now(), 'system:test')", site.a, addon, state,
        )  # fmt: skip
    run(lambda s, now: publish_all(s, seen(site, 3)), entities=[site.a])
    drain()
    assert site.traces("echo") == [3]
    assert site.traces("probe") == []


def test_an_addon_that_does_not_run_just_now_is_told_when_it_does(site):
    """A process may have held it, for its tables were not there yet: nobody drops what it has to hear."""
    addons = site.app.extensions["onhand"]
    addons.hold([Fault("echo", "waits for its tables")])
    try:
        run(lambda s, now: publish_all(s, seen(site, 4)), entities=[site.a])
        drain()
        assert (site.traces("echo"), site.traces("probe")) == ([], [4])
        assert site.owner("SELECT attempts, status FROM onhand.job") == [(0, "queued")]
    finally:
        addons.hold([])
    site.owner("UPDATE onhand.job SET due_at = now()")
    drain()
    assert site.traces("echo") == [4]


def test_what_an_addon_that_could_not_be_loaded_may_observe_waits_until_it_is_disabled(site):
    """As in safe mode."""
    for state, waiting in (("enabled", 1), ("disabled", 0)):
        site.owner(
            "INSERT INTO onhand.enablement (entity_id, addon, state, effective_from, recorded_at, actor)"
            " VALUES (%s, 'departed', %s, now(), now(), 'system:test')", site.a, state,
        )  # fmt: skip
        run(lambda s, now: publish_all(s, seen(site, 5)), entities=[site.a])
        drain()
        assert site.owner("SELECT count(*) FROM onhand.job WHERE actor = 'departed.observe'") == [(waiting,)]
        run(lambda s, now: publish(s, NobodyCares(site.a), at=now + timedelta(hours=1)), entities=[site.a])
        assert count(site, "outbox") == 1, "whoever is back by then may care"
        site.owner("DELETE FROM onhand.outbox")
        site.owner("UPDATE onhand.job SET due_at = now()")


def test_an_event_of_an_addon_that_could_not_be_loaded_waits_for_it_or_for_its_being_disabled(site):
    """Who observes it runs; what it is told is specified by one that does not."""
    addons = site.app.extensions["onhand"]

    def publish_lent(state, number):
        site.owner(
            "INSERT INTO onhand.enablement (entity_id, addon, state, effective_from, recorded_at, actor)"
            " VALUES (%s, 'departed', %s, now(), now(), 'system:test')", site.a, state,
        )  # fmt: skip
        site.owner(
            "INSERT INTO onhand.outbox (hook, entity_id, payload, due_at, recorded_at)"
            """ SELECT 'thing_lent', %s, jsonb_build_object('entity_id', %s, 'number', %s::int), now(), now()""",
            site.a, site.a, number,
        )  # fmt: skip
        drain()

    def jobs():
        site.owner("UPDATE onhand.job SET due_at = now()")
        return site.owner("SELECT attempts, status FROM onhand.job WHERE actor = 'echo.observe'")

    publish_lent("enabled", 1)
    assert jobs() == [(0, "queued")]
    addons.manager.add_hookspecs(Departed)
    try:
        drain()
    finally:
        addons.manager.hook.thing_lent.spec = None
    assert (site.traces("lent"), jobs()) == ([1], []), "it is back"
    publish_lent("disabled", 2)
    assert (site.traces("lent"), jobs()) == ([1], []), "nobody waits for what is off everywhere"


class Departed:
    """What the departed add-on offers."""

    @staticmethod
    @observe
    def thing_lent(session: Session, event: ThingSeen, now: datetime) -> None:
        """observe: a thing was lent."""


def test_an_event_for_later_waits_for_its_time_and_goes_to_those_active_then(site):
    site.owner("DELETE FROM onhand.enablement")
    run(lambda s, now: publish(s, ThingSeen(site.a, 1), at=now + timedelta(hours=1)), entities=[site.a])
    assert drain().events == 0
    site.owner(
        "INSERT INTO onhand.enablement (entity_id, addon, state, effective_from, recorded_at, actor)"
        " VALUES (%s, 'echo', 'enabled', now(), now(), 'system:test')", site.a,
    )  # fmt: skip
    site.owner("UPDATE onhand.outbox SET due_at = now()")
    assert drain().events == 1
    assert site.traces() == [1]


def test_relays_at_once_hand_over_each_event_once(site):
    for start in range(0, 3_000, 100):
        run(lambda s, now, start=start: publish_all(s, seen(site, *range(start, start + 100))), entities=[site.a])
    handed, failures = [], []

    def work():
        try:
            with site.app.app_context():
                while moved := relay():
                    handed.append(moved)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert sum(handed) == 3_000
    told = site.owner(
        "SELECT (event ->> 'number')::int FROM onhand.job, jsonb_array_elements(args -> 'events') AS event"
        " WHERE actor = 'echo.observe' ORDER BY 1"
    )
    assert [row[0] for row in told] == list(range(3_000))


def test_an_event_whose_hook_is_gone_does_not_stop_the_relay(site):
    site.owner(
        "INSERT INTO onhand.outbox (hook, entity_id, payload, due_at, recorded_at)"
        " VALUES ('gone', %s, '{}', now(), now())",
        site.a,
    )
    run(lambda s, now: publish_all(s, seen(site, 5)), entities=[site.a])
    drain()
    assert site.traces("probe") == [5]


def test_names_of_hooks_are_events_in_snake_case():
    assert hook_of(ThingSeen) == "thing_seen"
    assert hook_of(type("ATPChanged2Times", (), {})) == "atpchanged2_times"
