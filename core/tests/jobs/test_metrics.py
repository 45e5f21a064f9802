"""What a scrape shows."""

from flask import current_app
from jobs_site import seen
from onhand import metrics
from onhand.jobs import drain, enqueue
from onhand.jobs.setup import jobs
from onhand.outbox import publish_all
from onhand.transaction import run
from onhand_probe import jobs as probe_jobs


def scrape():
    metrics.count_hooks(current_app.extensions["onhand"].boundary.spent)
    run(lambda s, _: metrics.measure_backlog(s, jobs().queues), entities=[])
    lines = [line for line in metrics.exposition().decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


def test_a_scrape_shows_what_waits_and_what_was_given_up(site):
    run(lambda s, now: publish_all(s, seen(site, 1, 2)), entities=[site.a])
    site.owner("UPDATE onhand.outbox SET due_at = now() - interval '1 minute'")
    run(lambda s, now: enqueue(s, probe_jobs.note, args={"mood": "raise"}), entities=[])
    before = scrape()
    assert before["onhand_outbox_waiting"] == 2
    assert 59 < before["onhand_outbox_lag_seconds"] < 90
    assert before['onhand_jobs_waiting{queue="probe"}'] == 1
    site.owner("UPDATE onhand.job SET attempts_max = 1")
    drain()
    after = scrape()
    assert (after["onhand_outbox_waiting"], after["onhand_outbox_lag_seconds"]) == (0, 0)
    assert after['onhand_jobs_waiting{queue="probe"}'] == 0
    assert after["onhand_jobs_parked"] == 1
    assert after['onhand_job_seconds_count{actor="probe.note",outcome="parked"}'] >= 1
    assert after['onhand_hook_seconds_count{addon="echo",hook="thing_seen"}'] >= 1
