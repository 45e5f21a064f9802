"""Schedules fall due, collapse what was missed, and keep in step."""

from datetime import UTC, datetime, timedelta

from onhand.contributions import Schedule
from onhand.jobs import drain
from onhand.schedules import mirror, next_time, tick
from onhand.transaction import run
from onhand_probe import jobs as probe_jobs

NOW = datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)
HOURLY = Schedule("hourly", probe_jobs.note, every=timedelta(hours=1))


def set_schedules(*schedules):
    run(lambda s, now: mirror(s, schedules, now=now), entities=[])


def rows(site):
    return site.owner("SELECT name, due_at FROM onhand.schedule ORDER BY name")


def test_missed_runs_collapse_into_one(site):
    set_schedules(HOURLY)
    site.owner("UPDATE onhand.schedule SET due_at = now() - interval '5 hours 20 minutes'")
    assert tick() == 1
    assert site.owner("SELECT count(*) FROM onhand.job") == [(1,)]
    ((ahead,),) = site.owner("SELECT due_at - now() FROM onhand.schedule")
    assert timedelta(minutes=39) < ahead < timedelta(minutes=41)
    assert tick() == 0


def test_no_second_job_while_the_last_one_waits(site):
    set_schedules(HOURLY)
    for _ in range(3):
        site.owner("UPDATE onhand.schedule SET due_at = now()")
        assert tick() == 1
    assert site.owner("SELECT count(*) FROM onhand.job") == [(1,)]
    assert drain(5).done == 1
    site.owner("UPDATE onhand.schedule SET due_at = now()")
    assert tick() == 1
    assert site.owner("SELECT count(*) FROM onhand.job") == [(1,)]


def test_a_restart_keeps_the_time_of_an_unchanged_schedule_and_drops_removed_ones(site):
    daily = Schedule("daily", probe_jobs.note, cron="0 3 * * *")
    set_schedules(HOURLY, daily)
    tick()
    before = rows(site)
    set_schedules(HOURLY, daily)
    assert rows(site) == before
    set_schedules(Schedule("hourly", probe_jobs.note, every=timedelta(minutes=5)))
    after = dict(rows(site))
    assert after.keys() == {"hourly"}
    assert after["hourly"] != dict(before)["hourly"]


def test_times_are_in_step_with_the_first_and_after_now():
    hour = timedelta(hours=1)
    assert next_time(NOW, NOW, hour, None) == NOW + hour
    assert next_time(NOW - 3 * hour, NOW, hour, None) == NOW + hour
    assert next_time(NOW - timedelta(minutes=10), NOW, hour, None) == NOW + timedelta(minutes=50)
    assert next_time(NOW, NOW, None, "15 * * * *") == datetime(2026, 3, 1, 12, 15, tzinfo=UTC)
    assert next_time(NOW, NOW, None, "0 3 * * *") == datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
