"""Take up evidence, delivered or found: at least once, in any order, one exception per cause."""

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby

from onhand.contributions import ExceptionKind
from onhand.db import cursor
from onhand.events import AddonEnabled, Cause
from sqlalchemy.orm import Session

from onhand_exceptions.kinds import known, true_now
from onhand_exceptions.occurrences import Reported, distinct
from onhand_exceptions.services.settle import Finding, finish, settle
from onhand_exceptions.services.turns import take_turn

__all__ = ["record", "start"]

SEEN = """
/* exceptions.occurrence.seen */ SELECT cause_key, digest FROM exceptions.occurrence
WHERE entity_id = %s AND (cause_key, digest) IN (SELECT * FROM unnest(%s::text[], %s::bytea[]))
"""
OPEN = """
/* exceptions.open_keys */ SELECT e.cause_key FROM exceptions.exception AS e
JOIN exceptions.evidence AS v ON v.exception_id = e.id AND v.kind = %s AND v.holds
WHERE e.entity_id = %s AND e.status = 'open'
"""


def record(session: Session, causes: Sequence[Cause], kind: str, *, now: datetime) -> None:
    """Take up evidence of one kind that was raised.

    Each report counts once however often it is delivered, and every order of delivery ends in the same exceptions: the
    kind is asked at once what still holds, so that evidence of what is already gone leaves nothing open. A constant
    number of statements per entity, whatever the number of causes.
    """
    ordered = sorted(causes, key=lambda cause: cause.entity_id)
    for entity_id, theirs in groupby(ordered, key=lambda cause: cause.entity_id):
        _record(session, entity_id, distinct(theirs, kind), kind, now)


def start(session: Session, event: AddonEnabled, *, now: datetime) -> None:
    """Find what holds already, for each kind of an entity where an add-on was switched on.

    What a person resolved stays resolved. Twice is harmless: what is open and holds is left as it is.
    """
    kinds = known(session, event.entity_id, now)
    missing = {name: _missing(session, kind, event.entity_id, now) for name, kind in kinds.items()}
    if not any(missing.values()):
        return
    take_turn(session, event.entity_id)
    for name, found in missing.items():
        truths = true_now(session, kinds[name], event.entity_id, found, now) if found else {}
        findings = [Finding(key, truth=truth) for key, truth in truths.items()]
        finish(session, settle(session, event.entity_id, kinds[name], findings, now), now)


def _missing(session: Session, kind: ExceptionKind, entity_id: int, now: datetime) -> set[str]:
    found = true_now(session, kind, entity_id, None, now)
    shown = {row[0] for row in cursor(session).execute(OPEN, (kind.name, entity_id))} if found else set()
    return found.keys() - shown


def _record(session: Session, entity_id: int, reports: list[Reported], kind: str, now: datetime) -> None:
    by_key = {key: list(theirs) for key, theirs in groupby(reports, key=lambda report: report.cause.key)}
    take_turn(session, entity_id)
    seen = _seen(session, entity_id, reports)
    contributed = known(session, entity_id, now).get(kind)
    judged = contributed is not None
    truths = true_now(session, contributed, entity_id, by_key.keys(), now) if contributed else {}
    findings = [
        Finding(
            key,
            fresh=[report for report in theirs if (key, report.digest) not in seen],
            truth=truths.get(key),
            judged=judged,
        )
        for key, theirs in by_key.items()
    ]
    # A kind that nobody contributes here cannot be judged: its evidence stands until a person resolves it.
    judge = contributed or ExceptionKind(kind, kind, still_true=lambda *_: [])
    finish(session, settle(session, entity_id, judge, findings, now), now)


def _seen(session: Session, entity_id: int, reports: list[Reported]) -> set[tuple[str, bytes]]:
    keys, digests = [report.cause.key for report in reports], [report.digest for report in reports]
    return {(row[0], row[1]) for row in cursor(session).execute(SEEN, (entity_id, keys, digests))}
