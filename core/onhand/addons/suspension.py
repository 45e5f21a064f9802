"""Suspension: an add-on switched off for every entity at once, whatever it is for each, until somebody resumes it."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy.orm import Session

from onhand import audit
from onhand.actors import Actor
from onhand.addons.models import Enablement
from onhand.addons.timeline import enablements, suspensions
from onhand.db import cursor, take_turn
from onhand.events import AddonEnabled
from onhand.notices.services import NewNotice, notify
from onhand.outbox import publish
from onhand.problems import Conflict
from onhand.transaction import context

__all__ = ["resume", "suspend"]

ADMINISTRATORS = """
/* suspension.tell */ SELECT DISTINCT person.id FROM onhand."user" AS person
JOIN onhand.user_role AS held ON held.user_id = person.id
JOIN onhand.role_permission AS may ON may.role_id = held.role_id
WHERE person.active AND may.permission IN ('*', 'onhand.*', 'onhand.administer')
"""


def suspend(session: Session, nouns: Collection[str], *, by: Actor, reason: str, now: datetime) -> list[str]:
    """Switch add-ons off everywhere at once; return those that were not yet. What requires them is off with them.

    Who and why goes into the audit trail, and administrators are told. Data, and the jobs that wait, are kept. Obligations
    do not hinder it: it is for what does harm.
    """
    take_turn(session, "onhand.enablement")
    already = suspensions(session)
    fresh = [noun for noun in sorted(nouns) if noun not in already]
    for noun in fresh:
        _record(session, noun, "suspended", by, reason, now)
        audit.record(session, by, "addon.suspend", f"addon:{noun}", after={"state": "suspended"}, reason=reason)
        text = f"The add-on {noun} was switched off everywhere: {reason}. Resume it on the page Apps."
        people = [row[0] for row in cursor(session).execute(ADMINISTRATORS).fetchall()]
        notify(session, [NewNotice(person, None, f"addon:{noun}", text, "/apps") for person in people], now=now)
    return fresh


def resume(session: Session, noun: str, *, by: Actor, now: datetime) -> None:
    """Let a suspended add-on run again where it is enabled; Conflict for one that is not suspended.

    It is told `addon_enabled` for each such entity, so that it catches up with what it was not told.
    """
    take_turn(session, "onhand.enablement")
    if noun not in suspensions(session):
        raise Conflict(f"{noun} is not suspended")
    _record(session, noun, "resumed", by, None, now)
    audit.record(session, by, "addon.resume", f"addon:{noun}", before={"state": "suspended"})
    latest = {row[0]: row[2] for row in enablements(session) if row[1] == noun and row[3] <= now}
    if noun in context(session).addons.names:
        for entity_id in sorted(entity_id for entity_id, state in latest.items() if state == "enabled"):
            publish(session, AddonEnabled(entity_id, noun), at=now)


def _record(session: Session, noun: str, state: str, by: Actor, reason: str | None, now: datetime) -> None:
    session.add(
        Enablement(
            entity_id=None, addon=noun, state=state, effective_from=now, recorded_at=now, actor=by.ref, reason=reason
        )
    )
    session.flush()
