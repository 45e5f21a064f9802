"""What the suite measures about itself, in one Prometheus registry per process.

An add-on that measures something of its own puts it into `registry` too, prefixed `onhand_<noun>_`.
"""

import os
import time
from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

from flask import Flask, Response, g, request
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from sqlalchemy.orm import Session

from onhand.contributions import Measure
from onhand.db import cursor

if TYPE_CHECKING:
    from onhand.addons.boundary import Spent

__all__ = [
    "combined_requests", "count_hooks", "exposition", "hook_failures", "hook_seconds", "init_app", "job_seconds", "jobs_parked", "loop_failures",
    "measure_backlog", "registry", "request_seconds", "requests_shed", "round_requests", "transaction_reruns", "transaction_seconds",
]  # fmt: skip

FAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
SLOW = (0.005, 0.025, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0)

registry = CollectorRegistry()

request_seconds = Histogram(
    "onhand_request_seconds",
    "Time to answer a request",
    ["endpoint", "method", "status"],
    buckets=FAST,
    registry=registry,
)
transaction_seconds = Histogram(
    "onhand_transaction_seconds", "Time a transaction was open, reruns included", buckets=FAST, registry=registry
)
transaction_reruns = Counter(
    "onhand_transaction_reruns", "Commands run again after a deadlock or lock time-out", ["sqlstate"], registry=registry
)
hook_seconds = Histogram(
    "onhand_hook_seconds", "Time an add-on took to answer a hook", ["hook", "addon"], buckets=FAST, registry=registry
)
hook_failures = Counter(
    "onhand_hook_failures", "Hooks in which an add-on raised or was cut off", ["hook", "addon"], registry=registry
)
combined_requests = Histogram(
    "onhand_combined_requests",
    "Requests that shared one transaction",
    ["door"],
    buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256),
    registry=registry,
)
round_requests = Histogram(
    "onhand_round_requests",
    "Requests to a hot door that one thread answered together",
    ["endpoint"],
    buckets=(1, 2, 4, 8, 16, 32, 64, 128),
    registry=registry,
)
job_seconds = Histogram("onhand_job_seconds", "Time a job ran", ["actor", "outcome"], buckets=SLOW, registry=registry)
requests_shed = Counter(
    "onhand_requests_shed", "Requests that waited too long and were told to come again", registry=registry
)
loop_failures = Counter("onhand_loop_failures", "Steps of a scheduler loop that raised", ["loop"], registry=registry)

_newest: Literal["mostrecent"] = "mostrecent"
jobs_waiting = Gauge(
    "onhand_jobs_waiting", "Jobs due or in work, by queue", ["queue"], registry=registry, multiprocess_mode=_newest
)
jobs_parked = Gauge(
    "onhand_jobs_parked", "Jobs given up until a person retries them", registry=registry, multiprocess_mode=_newest
)
outbox_waiting = Gauge(
    "onhand_outbox_waiting", "Events not yet handed to their observers", registry=registry, multiprocess_mode=_newest
)
outbox_lag_seconds = Gauge(
    "onhand_outbox_lag_seconds", "Age of the oldest event still waiting", registry=registry, multiprocess_mode=_newest
)


def init_app(app: Flask) -> None:
    """Time every request the app answers, by endpoint rather than by address, so that the series stay few."""
    app.before_request(_start_clock)
    app.after_request(_stop_clock)


def _start_clock() -> None:
    g.onhand_started = time.perf_counter()


def _stop_clock(response: Response) -> Response:
    seconds = time.perf_counter() - g.onhand_started
    request_seconds.labels(request.endpoint or "none", request.method, response.status_code).observe(seconds)
    return response


def count_hooks(ended: "deque[Spent]") -> list["Spent"]:
    """Take the hooks that have ended off the list, time them, and return them."""
    taken: list[Spent] = []
    while ended:
        one = ended.popleft()
        hook_seconds.labels(one.hook, one.noun).observe(one.seconds)
        if one.failure is not None:
            hook_failures.labels(one.hook, one.noun).inc()
        taken.append(one)
    return taken


def measure_backlog(session: Session, queues: Iterable[str]) -> None:
    """Read how much waits in outbox and in these queues into the gauges. Called on scrape: no process needs to remember it."""
    row = cursor(session).execute(
        "SELECT count(*), coalesce(extract(epoch FROM clock_timestamp() - min(due_at)), 0)"
        " FROM onhand.outbox WHERE due_at <= clock_timestamp()"
    ).fetchone()  # fmt: skip
    assert row is not None  # noqa: S101 - an aggregate without GROUP BY has one row
    outbox_waiting.set(row[0])
    outbox_lag_seconds.set(float(row[1]))
    waiting = dict.fromkeys(queues, 0)  # a queue that ran empty is 0, not what it last was
    parked = 0
    for queue, is_parked, count in cursor(session).execute(
        "SELECT queue, status = 'parked', count(*) FROM onhand.job"
        " WHERE status = 'parked' OR due_at <= clock_timestamp() OR status = 'running' GROUP BY 1, 2"
    ):
        if is_parked:
            parked += count
        else:
            waiting[queue] = count
    for queue, count in waiting.items():
        jobs_waiting.labels(queue).set(count)
    jobs_parked.set(parked)


class _ReadNow(Collector):
    """Figures that belong to no process, as Prometheus' client writes them."""

    def __init__(self, measures: Iterable[Measure]) -> None:
        self._measures = list(measures)

    def collect(self) -> Iterable[GaugeMetricFamily]:
        families: dict[str, GaugeMetricFamily] = {}
        for one in self._measures:
            names = sorted(one.labels)
            family = families.setdefault(one.name, GaugeMetricFamily(one.name, one.explains, labels=names))
            family.add_metric([one.labels[name] for name in names], one.value)
        return families.values()


def exposition(measures: Iterable[Measure] = ()) -> bytes:
    """Return every metric in Prometheus' text format, of all processes where `PROMETHEUS_MULTIPROC_DIR` is set.

    `measures` are the site's, read now, and belong to no process.
    """
    read_now = CollectorRegistry()
    read_now.register(_ReadNow(measures))
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest(registry) + generate_latest(read_now)
    gathered = CollectorRegistry()
    MultiProcessCollector(gathered)  # type: ignore[no-untyped-call]  # the library has no types
    return generate_latest(gathered) + generate_latest(read_now)
