"""Trouble: kinds of evidence for tests. `TRUE` is the world: what holds now, by kind and key."""

from collections import defaultdict

from onhand.contributions import ExceptionAction, ExceptionKind, PolicyType
from onhand.hooks import hookimpl

TRUE = defaultdict(dict)
ASKED = []
WORTH = {}


def _still_true(name):
    def still_true(session, entity_id, keys, now):
        ASKED.append((name, entity_id, keys))
        causes = [cause for cause in TRUE[name].values() if cause.entity_id == entity_id]
        return [cause for cause in causes if keys is None or cause.key in keys]

    return still_true


@hookimpl
def exception_kinds():
    return [
        ExceptionKind("leak", "Leak", _still_true("leak"), severity=3, hours_policy="trouble.leak_hours"),
        ExceptionKind("noise", "Noise", _still_true("noise"), severity=1),
    ]


@hookimpl
def unit_values(items):
    return [(item_id, WORTH[item_id]) for item_id in items if item_id in WORTH]


@hookimpl
def exception_actions(exception):
    if "leak" not in exception.kinds:
        return []
    sku = exception.evidence["leak"].get("sku", "")
    return [
        ExceptionAction("Mop up", "/mop", "exceptions.work", values={"sku": sku}, hint="Takes a minute", order=2),
        ExceptionAction("Call a plumber", "/plumber", "exceptions.read", order=1),
        ExceptionAction("Sell the house", "/sale", "onhand.read_audit", order=3),
    ]


@hookimpl
def policies():
    return [PolicyType("trouble.leak_hours", "Leaks", int, 2, "How long it may drip.", "hours", ("location", "entity"))]
