"""Jobs are tried, counted, parked and never done twice at once."""

import json
import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from click.testing import CliRunner
from jobs_site import seen
from onhand.db import cursor
from onhand.jobs import actor, claims, drain, enqueue, keeper
from onhand.jobs.commands import job as job_command
from onhand.jobs.observers import observe
from onhand.jobs.perform import perform
from onhand.jobs.sweeper import sweep
from onhand.outbox import publish_all
from onhand.relay import relay
from onhand.transaction import run
from onhand_probe import jobs as probe_jobs
from onhand_probe.traces import Unwell


def add(site, number=1, *, actor=probe_jobs.note, key=None, due_at=None, entity_id=None, **args):
    given = {"number": number, **args} if actor is probe_jobs.note else args
    run(
        lambda s, now: enqueue(s, actor, entity_id=entity_id, args=given, key=key, due_at=due_at and now + due_at),
        entities=[],
    )


def rows(site, columns="status, attempts, error"):
    return site.owner(f"SELECT {columns} FROM onhand.job ORDER BY id")


def make_due(site):
    site.owner("UPDATE onhand.job SET due_at = now() WHERE status = 'queued'")


def test_a_job_runs_for_every_entity_where_its_addon_is_active_and_leaves_no_row(site):
    add(site, 4)
    assert drain().done == 1
    assert site.traces("note") == [4, 4]
    assert rows(site) == []


def test_a_job_of_one_entity_runs_under_that_scope_alone(site):
    add(site, 4, entity_id=site.b)
    drain()
    assert site.owner("SELECT entity_id FROM probe.trace") == [(site.b,)]


def test_a_job_for_an_entity_without_the_addon_does_nothing(site):
    site.owner("DELETE FROM onhand.enablement WHERE entity_id = %s", site.b)
    site.owner(
        "INSERT INTO onhand.enablement (entity_id, addon, state, effective_from, recorded_at, actor)"
        " SELECT %s, 'probe', 'disabled', now(), now(), 'system:test'", site.b,
    )  # fmt: skip
    add(site, 4, entity_id=site.b)
    add(site, 5)
    assert drain().done == 2
    assert site.owner("SELECT entity_id, number FROM probe.trace") == [(site.a, 5)]


def test_what_is_rolled_back_was_never_enqueued(site):
    def command(session, now):
        enqueue(session, probe_jobs.note, args={"number": 1})
        raise KeyError("no")

    with pytest.raises(KeyError):
        run(command, entities=[])
    assert drain().done == 0


def test_a_failing_job_is_tried_again_later_and_parked_with_its_error(site):
    add(site, 1, mood="raise")
    for attempt in (1, 2):
        assert drain().failed == 1
        ((status, attempts, error),) = rows(site)
        assert (status, attempts) == ("queued", attempt)
        assert "Unwell: raise" in error
        assert site.owner("SELECT due_at > now() + interval '1 second' FROM onhand.job") == [(True,)]
        make_due(site)
    assert drain().parked == 1
    assert rows(site, "status, attempts, claim") == [("parked", 3, None)]
    make_due(site)
    assert drain().done == 0
    assert site.traces() == []


def test_an_unknown_actor_is_parked_with_a_reason(site):
    add(site)
    site.owner("UPDATE onhand.job SET actor = 'gone.away', attempts_max = 1")
    assert drain().parked == 1
    assert "no installed add-on has an actor 'gone.away'" in rows(site)[0][2]


def test_a_key_keeps_a_second_job_away_until_the_first_is_claimed(site):
    for number in (1, 2):
        add(site, number, key="k", entity_id=site.a)
    add(site, 3, key="other", entity_id=site.a)
    assert drain().done == 2
    assert site.traces() == [1, 3]
    add(site, 4, key="k", entity_id=site.a)
    drain()
    assert site.traces() == [1, 3, 4]


def test_of_two_times_under_one_key_the_earlier_holds(site):
    add(site, 1, key="k", due_at=timedelta(hours=2))
    add(site, 2, key="k", due_at=timedelta(hours=3))
    assert drain().done == 0
    add(site, 3, key="k")
    assert drain().done == 1
    assert rows(site) == []


def test_a_job_for_later_waits(site):
    add(site, 1, due_at=timedelta(minutes=1))
    assert drain().done == 0
    make_due(site)
    assert drain().done == 1


def test_a_bad_event_harms_only_itself(site):
    good, bad = seen(site, *range(5)), seen(site, 99, mood="raise")
    run(lambda s, now: publish_all(s, [*good, *bad]), entities=[site.a])
    assert drain().failed == 1
    assert site.traces("echo") == [0, 1, 2, 3, 4, 99]
    assert site.traces("probe") == []
    make_due(site)
    drain()
    assert site.traces("probe") == [0, 1, 2, 3, 4]
    ((payload,),) = rows(site, "args -> 'events' -> 0 ->> 'mood'")
    assert payload == "raise"
    for _ in range(10):
        make_due(site)
        drain()
    assert [row[:2] for row in rows(site)] == [("parked", 8)]


def test_who_lost_the_claim_leaves_no_effect(site):
    run(lambda s, now: publish_all(s, seen(site, 1)), entities=[site.a])
    relay()
    site.owner("DELETE FROM onhand.job WHERE actor = 'echo.observe'")
    first = run(lambda s, now: claims.claim(s, now=now), entities=[])
    site.owner("UPDATE onhand.job SET due_at = now()")
    second = run(lambda s, now: claims.claim(s, now=now), entities=[])
    assert (first.id, second.attempts) == (second.id, 2)
    with pytest.raises(claims.ClaimLost):
        observe(first)
    assert site.traces() == []
    assert run(lambda s, now: claims.fail(s, first, "late", now=now), entities=[]) is None
    observe(second)
    assert site.traces() == [1]


def test_a_job_in_work_is_taken_by_nobody_else(site):
    add(site)
    run(lambda s, now: claims.claim(s, now=now), entities=[])
    assert perform() is None


def test_claims_are_extended_while_their_holder_lives(site):
    add(site)
    claimed = run(lambda s, now: claims.claim(s, now=now), entities=[])
    before = rows(site, "due_at")
    run(lambda s, now: claims.extend(s, [claimed.claim], now=now + timedelta(seconds=9)), entities=[])
    assert rows(site, "due_at") > before


@pytest.fixture
def short_leases(site, monkeypatch):
    monkeypatch.setattr(claims, "LEASE", timedelta(seconds=0.4))
    monkeypatch.setattr(keeper, "EXTEND_EVERY_SECONDS", 0.1)
    known = site.app.extensions["onhand.jobs"]
    monkeypatch.setitem(site.app.extensions, "onhand.jobs", replace(known, keeper=keeper.Keeper(site.app)))


def start(site, outcomes):
    def work():
        with site.app.app_context():
            outcomes.append(perform())

    thread = threading.Thread(target=work)
    thread.start()
    site.wait(lambda: rows(site, "status") == [("running",)], 5)
    return thread


def test_a_job_longer_than_its_lease_is_kept_while_its_process_lives(site, short_leases):
    add(site, actor=probe_jobs.stall, mood="sleep:1.2")
    outcomes = []
    thread = start(site, outcomes)
    while thread.is_alive():
        assert perform() is None
    assert outcomes == ["done"]
    assert rows(site) == []


def test_a_job_that_hangs_is_kept_no_longer_than_its_actor_may_take(site, short_leases, monkeypatch):
    actors = site.app.extensions["onhand.jobs"].actors
    monkeypatch.setitem(actors, "probe.stall", replace(probe_jobs.stall, seconds_max=0))
    add(site, actor=probe_jobs.stall, mood="sleep:1.5")
    outcomes = []
    thread = start(site, outcomes)
    site.owner('UPDATE onhand.job SET args = \'{"mood": "good"}\'')
    site.wait(lambda: perform() == "done", 1.2)
    thread.join()
    assert outcomes == ["lost"]


def test_an_actor_may_not_take_the_name_of_observers():
    def observe(entities):
        """Nothing."""

    with pytest.raises(ValueError, match="something else"):
        actor()(observe)


def test_a_job_that_kills_its_worker_every_time_is_parked(site):
    add(site)
    for _ in range(3):
        run(lambda s, now: claims.claim(s, now=now), entities=[])
        site.owner("UPDATE onhand.job SET due_at = now()")
    assert perform() is None
    assert sweep() == 1
    ((status, attempts, error),) = rows(site)
    assert (status, attempts) == ("parked", 3)
    assert "its worker died or hung" in error


def test_the_command_line_lists_and_retries_what_was_given_up(site):
    add(site, 6, mood="raise")
    site.owner("UPDATE onhand.job SET attempts_max = 1")
    runner = CliRunner()
    drain()
    shown = runner.invoke(job_command, ["list", "--parked", "--json"], catch_exceptions=False)
    (listed,) = json.loads(shown.stdout)
    assert listed["actor"] == "probe.note"
    assert Unwell.__name__ in listed["error"]
    assert "Unwell: raise" in runner.invoke(job_command, ["list"]).stdout
    assert runner.invoke(job_command, ["retry"]).exit_code == 2
    assert runner.invoke(job_command, ["retry", "0"]).exit_code == 1
    site.owner("""UPDATE onhand.job SET args = '{"number": 6}'""")
    assert runner.invoke(job_command, ["retry", str(listed["id"])]).exit_code == 0
    assert drain().done == 1
    assert site.traces() == [6, 6]


def test_enqueue_takes_one_statement_and_sends_after_the_commit(site):
    carrier = site.app.extensions["onhand.jobs"].carrier

    def command(session, now):
        enqueue(session, probe_jobs.note, args={"number": 1})
        assert cursor(session).execute("SELECT count(*) FROM onhand.job").fetchone() == (1,)
        return carrier.waiting("probe")

    assert run(command, entities=[]) == 0
    assert carrier.waiting("probe") == 1
