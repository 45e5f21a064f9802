"""Which add-ons run in this process, and why the others do not: told in the log, by `/readyz`, the doctor, the Apps page."""

from collections.abc import Iterable
from datetime import datetime

import structlog
from flask import Flask
from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from onhand.addons import Addon, Addons, Fault
from onhand.addons.faults import LATE, BrokenAddon, blame
from onhand.db import cursor, db
from onhand.migrate import CORE, revisions_at, step_from, step_of
from onhand.transaction import context

__all__ = ["absent", "hold_unready", "late", "not_running", "report", "unready"]

log = structlog.get_logger("onhand.addons")

FAILED = "mend it, run `onhand migrate` and restart"
IN_USE = """
SELECT DISTINCT e.code, n.addon FROM onhand.entity e
CROSS JOIN (SELECT DISTINCT addon FROM onhand.enablement WHERE entity_id IS NOT NULL) n
JOIN LATERAL (SELECT state FROM onhand.enablement x WHERE x.entity_id = e.id AND x.addon = n.addon
  AND x.effective_from <= clock_timestamp() ORDER BY x.effective_from DESC, x.id DESC LIMIT 1) s ON s.state <> 'disabled'
ORDER BY n.addon, e.code
"""


def hold_unready(app: Flask) -> None:
    """Switch off, in this process, every add-on whose tables are not what its code expects, until they are."""
    addons: Addons = app.extensions["onhand"]
    with db.engine.connect() as connection:
        if not step_of(connection, CORE).is_behind:
            addons.hold(unready(connection, [addons.addon(noun) for noun in addons.names]))


def unready(connection: Connection, addons: Iterable[Addon]) -> list[Fault]:
    """Return a fault for each add-on whose tables are behind its code, or could not be made. The core is not behind.

    Raises when the database does not answer: that is no add-on's fault.
    """
    failures = {row[0]: row[1] for row in connection.execute(text("SELECT addon, error FROM onhand.migration_failure"))}
    connection.commit()
    found: list[Fault] = []
    for addon in addons:
        if addon.noun in failures:
            found.append(Fault(addon.noun, f"could not be migrated: {failures[addon.noun]}", FAILED))
            continue
        revisions = revisions_at(connection, addon.noun)
        try:
            with blame(addon.noun, "when its migrations were read", FAILED):
                step = step_from(connection, addon, revisions)
        except BrokenAddon as broken:
            found.append(broken.fault)
            continue
        if step.is_behind:
            found.append(Fault(addon.noun, f"has tables at {step.at or 'nothing'} and needs them at {step.to}", LATE))
    return found


def late(connection: Connection, faults: Iterable[Fault]) -> list[str]:
    """Return those whose tables are merely behind, and that some entity uses: what a migration still has to do."""
    behind = {fault.noun for fault in faults if fault.is_late}
    return sorted(behind & {row[1] for row in connection.execute(text(IN_USE))}) if behind else []


def absent(session: Session, addons: Addons) -> list[Fault]:
    """Return a fault for each add-on that is on for some entity and is not installed any more."""
    known = {*addons.names, *(fault.noun for fault in addons.faults)}
    codes: dict[str, list[str]] = {}
    for code, noun in cursor(session).execute(IN_USE).fetchall():
        if noun not in known:
            codes.setdefault(noun, []).append(code)
    return [
        Fault(
            noun,
            f"is on for {', '.join(where)}, but its package is not installed",
            f"install it again, or `onhand addon disable {noun} {' '.join(f'--entity {code}' for code in where)}`; "
            "its data is kept",
        )
        for noun, where in codes.items()
    ]


def not_running(session: Session, now: datetime) -> list[Fault]:  # noqa: ARG001 - a health check is called so
    """Return why each add-on that is installed, or that some entity has on, does not run in this process."""
    addons = context(session).addons
    return [*addons.idle, *absent(session, addons)]


def report(app: Flask) -> None:
    """Log what does not run, which and why."""
    addons: Addons = app.extensions["onhand"]
    for fault in addons.idle:
        log.error("addon_not_running", addon=fault.noun, reason=fault.reason, advice=fault.advice)
