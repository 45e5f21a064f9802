"""Processes are killed, Redis forgets: everything is still done."""

import os
import signal

import psycopg
import redis
from jobs_site import seen
from onhand import scheduler
from onhand.jobs import enqueue
from onhand.outbox import publish_all
from onhand.relay import relay
from onhand.transaction import run
from onhand_probe import jobs as probe_jobs


def publish(site, *numbers, mood="good"):
    run(lambda s, now: publish_all(s, seen(site, *numbers, mood=mood)), entities=[site.a])


def backlog(site):
    return site.owner(
        "SELECT (SELECT count(*) FROM onhand.outbox) + (SELECT count(*) FROM onhand.job WHERE status <> 'parked')"
    )[0][0]


def workers_traces(site):
    return site.owner("SELECT number, process FROM probe.trace WHERE observer = 'probe' ORDER BY number")


def test_the_effect_of_a_killed_worker_comes_once(site, tmp_path):
    flag = tmp_path / "killed"
    publish(site, 1, mood=f"kill-once:{flag}")
    with site.process("scheduler"), site.process("worker") as first:
        first.wait(120)
        assert first.returncode == -signal.SIGKILL
        assert flag.exists()
        assert workers_traces(site) == []
        with site.process("worker") as second:
            site.wait(lambda: backlog(site) == 0)
            assert workers_traces(site) == [(1, second.pid)]


def test_flushing_redis_loses_nothing_and_work_goes_on_without_a_scheduler(site):
    publish(site, *range(300))
    while relay():
        pass
    for number in range(20):
        run(lambda s, now, n=number: enqueue(s, probe_jobs.note, args={"number": n}, entity_id=site.b), entities=[])
    redis.Redis.from_url(site.services.redis_url).flushall()
    with site.process("worker"):
        site.wait(lambda: backlog(site) == 0)
    assert site.traces("probe") == site.traces("echo") == list(range(300))
    assert site.traces("note") == list(range(20))


def test_work_goes_on_while_redis_is_away(site):
    with site.process("scheduler"), site.process("worker"):
        site.wait(lambda: site.traces("pulse") != [])
        site.services.valkey.kill()
        try:
            publish(site, *range(30))
            site.wait(lambda: site.traces("echo") == list(range(30)))
            assert backlog(site) == 0
        finally:
            site.services.valkey.start()
        publish(site, *range(30, 60))
        site.wait(lambda: site.traces("echo") == list(range(60)))


def test_when_the_leader_dies_another_takes_over(site):
    with site.process("scheduler") as one, site.process("scheduler") as two:
        site.wait(lambda: leader(site) != [])
        site.wait(lambda: len(pulses(site)) > 2)
        (first,) = pulses(site)[-1]
        assert first in {one.pid, two.pid}
        assert {pid for (pid,) in pulses(site)} == {first}
        os.kill(first, signal.SIGKILL)
        other = ({one.pid, two.pid} - {first}).pop()
        site.wait(lambda: pulses(site)[-1] == (other,), 60)


def test_a_leader_whose_connection_is_cut_stands_for_election_again(site):
    with site.process("scheduler"):
        site.wait(lambda: leader(site) != [])
        ((before,),) = leader(site)
        site.owner("SELECT pg_terminate_backend(%s)", before)
        site.wait(lambda: leader(site) not in ([], [(before,)]), 60)


def test_scheduler_and_worker_end_soon_and_well_on_sigterm(site):
    with site.process("scheduler") as leading, site.process("worker") as worker:
        publish(site, 1)
        site.wait(lambda: site.traces("probe") == [1])
        for process in (leading, worker):
            process.send_signal(signal.SIGTERM)
        assert leading.wait(60) == 0
        assert worker.wait(60) == 0
        assert leader(site) == []


def pulses(site):
    return site.owner("SELECT process FROM probe.trace WHERE observer = 'pulse' ORDER BY id")


def leader(site):
    with psycopg.connect(site.services.libpq("postgres")) as connection:
        return connection.execute(
            "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted"
            " AND (classid::bigint << 32 | objid::bigint) = %s",
            (scheduler.LEADER_KEY,),
        ).fetchall()
