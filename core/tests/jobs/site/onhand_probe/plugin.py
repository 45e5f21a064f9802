from datetime import timedelta

from onhand.contributions import Loop, Schedule
from onhand.hooks import hookimpl
from onhand.transaction import run

from onhand_probe import jobs, traces


@hookimpl
def thing_seen(session, event, now):
    traces.leave(session, event.entity_id, "probe", event.number)
    traces.suffer(event.mood)


@hookimpl
def thing_heard(session, events):
    traces.leave(session, events[0].entity_id, "heard", len(events))


@hookimpl
def actors():
    return [jobs.note, jobs.stall]


@hookimpl
def schedules():
    return [Schedule("probe-hourly", jobs.note, every=timedelta(hours=1))]


@hookimpl
def loops():
    return [Loop("probe-pulse", pulse, idle_seconds=0.05)]


def pulse(entities):
    run(lambda session, now: traces.leave(session, entities[0], "pulse", len(entities)), entities=entities)
    return 0
