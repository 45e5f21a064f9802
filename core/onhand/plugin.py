"""The core's own contributions, made as any add-on makes them. It is enabled everywhere, always."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog
from flask import Blueprint
from flask_smorest import Blueprint as Resource
from sqlalchemy.orm import Session

from onhand import idempotency
from onhand.actors import Actor
from onhand.addons import health
from onhand.approvals import contributed as approvals
from onhand.approvals.invariants import INVARIANTS as APPROVAL_INVARIANTS
from onhand.audit.invariants import INVARIANTS as AUDIT_INVARIANTS
from onhand.audit.sealing import Sealer
from onhand.contributions import (
    ApprovalKind,
    Exporter,
    Importer,
    Invariant,
    Loop,
    MenuItem,
    Permission,
    PolicyBacktest,
    PolicyType,
    Schedule,
)
from onhand.enablement import ChangeRefused, drain_again
from onhand.hooks import hookimpl
from onhand.invariants import INVARIANTS
from onhand.jobs import JobActor, actor
from onhand.notices import contributed as notices
from onhand.policies import contributed as policing
from onhand.reasons import contributed as reasons
from onhand.transaction import run

FORGET_BATCH = 1_000
log = structlog.get_logger(__name__)


@actor(attempts=3)
def forget_answers(entities: Sequence[int]) -> None:  # noqa: ARG001 - keys belong to callers, not to entities
    """Drop stored answers older than 30 days; their keys stay taken. How add-ons fared goes after a day. Twice is harmless: what is dropped is gone."""
    while run(lambda session, now: idempotency.forget(session, now, limit=FORGET_BATCH), entities=()) == FORGET_BATCH:
        pass
    run(lambda session, now: health.forget(session, now=now), entities=())


@actor(attempts=3)
def drain_what_is_open(entities: Sequence[int]) -> None:
    """Let add-ons run out that were disabled with work open, as it began in that moment. Twice is harmless: they drain."""
    by = Actor.system("enablement")
    for entity_id in entities:

        def command(session: Session, now: datetime, here: int = entity_id) -> list[str]:
            return drain_again(session, here, by=by, now=now)

        try:
            run(command, entities=[entity_id])
        except ChangeRefused as refused:  # what it requires is to go off later, say: a person has to decide
            log.warning("addon_cannot_drain", entity=entity_id, reason=str(refused))


@hookimpl
def blueprints() -> list[Blueprint]:
    """Pages that every site has, besides the shell's own."""
    return [*approvals.BLUEPRINTS, *notices.BLUEPRINTS, *policing.BLUEPRINTS, *reasons.BLUEPRINTS]


@hookimpl
def resources() -> list[Resource]:
    """What is offered to programs whatever is installed."""
    return [*approvals.RESOURCES, *policing.RESOURCES, *reasons.RESOURCES]


@hookimpl
def menu() -> list[MenuItem]:
    """What waits for people."""
    return [*approvals.MENU, *notices.MENU, *policing.MENU, *reasons.MENU]


@hookimpl
def permissions() -> list[Permission]:
    """What concerns the site as a whole."""
    return [
        Permission("onhand.administer", "Administer people, roles, tokens and add-ons"),
        Permission("onhand.read_audit", "Read the audit trail"),
        Permission("onhand.read", "See the executive view"),
        *approvals.PERMISSIONS,
        *notices.PERMISSIONS,
        *reasons.PERMISSIONS,
        *policing.PERMISSIONS,
    ]


@hookimpl
def policies() -> list[PolicyType]:
    """Rules of the core's own."""
    return [*approvals.POLICIES]


@hookimpl
def approval_kinds() -> list[ApprovalKind]:
    """The core's own changes that may need consent."""
    return [*approvals.KINDS, *policing.KINDS]


@hookimpl
def policy_backtests() -> list[PolicyBacktest]:
    """Recorded requests for consent, added up anew."""
    return list(approvals.BACKTESTS)


@hookimpl
def importers() -> list[Importer]:
    """Files of what the core keeps."""
    return [*reasons.IMPORTERS]


@hookimpl
def exporters() -> list[Exporter]:
    """The same files, written."""
    return [*reasons.EXPORTERS]


@hookimpl
def invariants() -> list[Invariant]:
    """The laws of walls, outbox, jobs and audit trail."""
    return [*INVARIANTS, *AUDIT_INVARIANTS, *APPROVAL_INVARIANTS]


@hookimpl
def actors() -> list[JobActor[...]]:
    """Functions that jobs may name."""
    return [forget_answers, drain_what_is_open, *approvals.ACTORS, *notices.ACTORS]


@hookimpl
def schedules() -> list[Schedule]:
    """House-keeping by the clock."""
    return [
        Schedule("onhand.forget_answers", forget_answers, every=timedelta(hours=1)),
        Schedule("onhand.drain_what_is_open", drain_what_is_open, every=timedelta(seconds=30)),
        *approvals.SCHEDULES,
        *notices.SCHEDULES,
    ]


@hookimpl
def loops() -> list[Loop]:
    """The seal of the audit trail."""
    return [Loop("onhand.seal_audit", Sealer().step, idle_seconds=5.0)]
