"""Write what was found about causes: episodes, evidence, occurrences; then close what nothing holds open."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from onhand.actors import Actor
from onhand.contributions import ExceptionKind
from onhand.db import cursor
from onhand.events import Cause
from onhand.ids import uuid7
from onhand.policies.book import Where
from onhand.policies.services import resolve as policy
from sqlalchemy.orm import Session

from onhand_exceptions.episodes import Latest, Step, decide
from onhand_exceptions.occurrences import Reported, as_json
from onhand_exceptions.services import sql
from onhand_exceptions.services.levels import dues, unit_values
from onhand_exceptions.services.rules import owners_of
from onhand_exceptions.services.telling import Told, tell

__all__ = ["SELF", "Finding", "finish", "settle"]

SELF = Actor.system("exceptions")


@dataclass(frozen=True, slots=True)
class Finding:
    """What is known about one cause: fresh reports, and what its kind says now. Not `judged`: nobody can say."""

    key: str
    fresh: list[Reported] = field(default_factory=list)
    truth: Cause | None = None
    judged: bool = True

    @property
    def holds(self) -> bool:
        """Whether it is to be taken as true: what nobody can judge is, when it is reported afresh."""
        return self.truth is not None or (not self.judged and bool(self.fresh))

    @property
    def gone(self) -> bool:
        """Whether its kind says that it is no longer true."""
        return self.judged and self.truth is None

    @property
    def newest(self) -> Cause:
        """The cause as it is best known: now, else as it was last reported."""
        return self.truth or self.fresh[-1].cause


@dataclass(frozen=True, slots=True)
class _Settled:
    finding: Finding
    step: Step
    id: UUID
    episode: int


def settle(
    session: Session, entity_id: int, kind: ExceptionKind, findings: Sequence[Finding], now: datetime
) -> list[UUID]:
    """Bring exceptions into line with findings of one kind, and return those touched, for `finish`.

    The caller has taken its turn before it asked for the truth.
    """
    settled = _decide(session, entity_id, findings, now)
    if not settled:
        return []
    _open(session, entity_id, kind, [one for one in settled if one.step == "open"], now)
    _reopen(session, entity_id, kind, [one for one in settled if one.step == "reopen"], now)
    _write_reports(session, entity_id, kind, settled, now)
    _write_truths(session, entity_id, kind, settled)
    return [one.id for one in settled]


def finish(session: Session, ids: Collection[UUID], now: datetime) -> int:
    """Sum up the evidence of exceptions, close those nothing holds open, and wake what got worse; return how many closed."""
    if not ids:
        return 0
    arguments = {"ids": list(ids), "now": now, "actor": SELF.ref, "name": SELF.name}
    cursor(session).execute(sql.SUM_UP, arguments)
    done = cursor(session).execute(sql.CLOSE, arguments)
    closed = done.rowcount
    cursor(session).execute(sql.WAKE_WORSE, arguments)
    return closed


def _decide(session: Session, entity_id: int, findings: Sequence[Finding], now: datetime) -> list[_Settled]:
    keys = [finding.key for finding in findings]
    latest = {
        key: Latest(id_, episode, resolved_at, resolution == "person")
        for key, id_, episode, resolved_at, resolution in cursor(session).execute(sql.LATEST, (entity_id, keys))
    }
    quiet = timedelta(hours=int(policy(session, "exceptions.quiet_hours", Where(entity_id=entity_id), at=now)))
    settled = []
    for finding in findings:
        known = latest.get(finding.key)
        step = decide(known, fresh=bool(finding.fresh), holds=finding.holds, now=now, quiet=quiet)
        if step == "open":
            settled.append(_Settled(finding, step, uuid7(), known.episode + 1 if known else 1))
        elif step != "leave" and known:
            settled.append(_Settled(finding, step, known.id, known.episode))
    return settled


def _open(session: Session, entity_id: int, kind: ExceptionKind, opened: list[_Settled], now: datetime) -> None:
    if not opened:
        return
    causes = [one.finding.newest for one in opened]
    due_at = dues(session, entity_id, kind, causes, now)
    values = unit_values(session, entity_id, [cause.item_id for cause in causes], now)
    owners = owners_of(session, entity_id, kind.name, causes, now)
    rows = []
    for one, cause, due, value, owner in zip(opened, causes, due_at, values, owners, strict=True):
        rows.append((one.id, one.finding.key, one.episode, cause.title, cause.item_id, cause.location_id,
                     cause.quantity, cause.occurred_at, owner, due, value))  # fmt: skip
    common = {"entity_id": entity_id, "kind": kind.name, "severity": kind.severity, "now": now}
    cursor(session).execute(sql.OPEN, common | sql.columns(sql.OPEN_COLUMNS, rows))
    told: list[Told] = [(row[0], entity_id, "raised", None, row[3]) for row in rows]
    told += [(row[0], entity_id, "assigned", row[8], None) for row in rows if row[8] is not None]
    tell(session, told, by=SELF, now=now)


def _reopen(session: Session, entity_id: int, kind: ExceptionKind, back: list[_Settled], now: datetime) -> None:
    if back:
        due_at = dues(session, entity_id, kind, [one.finding.newest for one in back], now)
        cursor(session).execute(sql.REOPEN, ([one.id for one in back], due_at))
        told = [(one.id, entity_id, "reopened", None, one.finding.newest.title) for one in back]
        tell(session, told, by=SELF, now=now)


def _write_reports(
    session: Session, entity_id: int, kind: ExceptionKind, settled: list[_Settled], now: datetime
) -> None:
    reported = [one for one in settled if one.finding.fresh]
    if not reported:
        return
    rows = []
    for one in reported:
        fresh = one.finding.fresh
        first, last = fresh[0].cause, fresh[-1]
        rows.append((one.id, last.cause.title, last.cause.quantity, len(fresh), first.occurred_at,
                     last.cause.occurred_at, as_json(last.cause.evidence), last.digest))  # fmt: skip
    common = {"entity_id": entity_id, "kind": kind.name, "severity": kind.severity, "now": now}
    cursor(session).execute(sql.REPORTED, common | sql.columns(sql.REPORTED_COLUMNS, rows))
    reports = [
        (one.id, one.finding.key, report.digest, report.cause.quantity, report.cause.occurred_at,
         as_json(report.cause.evidence))
        for one in reported
        for report in one.finding.fresh
    ]  # fmt: skip
    cursor(session).execute(sql.OCCURRED, common | sql.columns(sql.OCCURRED_COLUMNS, reports))


def _write_truths(session: Session, entity_id: int, kind: ExceptionKind, settled: list[_Settled]) -> None:
    truths = [(one.id, one.finding.truth) for one in settled if one.finding.truth]
    gone = [one.id for one in settled if one.finding.gone]
    common = {"entity_id": entity_id, "kind": kind.name, "severity": kind.severity}
    if truths:
        rows = [(id_, truth.title, truth.quantity, truth.occurred_at, as_json(truth.evidence)) for id_, truth in truths]
        cursor(session).execute(sql.HOLDS, common | sql.columns(sql.HOLDS_COLUMNS, rows))
    if gone:
        cursor(session).execute(sql.GONE, (gone, kind.name))
