"""Writes of systems that are not authoritative: counted per entity, domain and system, and told as exceptions."""

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from onhand.db import cursor
from onhand.events import Cause, ExceptionsRaised
from onhand.outbox import publish_all
from sqlalchemy.orm import Session

from onhand_master_data.authority import DOMAINS, book_of
from onhand_master_data.services.columns import columns
from onhand_master_data.values import Violation

__all__ = ["KIND", "attempts_of", "report_violations", "still_true"]

KIND = "authority_violation"
STANDS_FOR = timedelta(days=7)
"""A violation stands for so long after the last attempt, unless the registry comes to admit the system."""
UPSERT = """
/* violations.upsert */ INSERT INTO master_data.authority_violation AS v
  (entity_id, domain, system, attempts, first_at, last_at, last_actor, last_subject)
SELECT d.entity_id, d.domain, d.system, d.attempts, %(now)s, %(now)s, d.actor, d.subject
FROM unnest(%(entities)s::int[], %(domains)s::text[], %(systems)s::text[], %(attempts)s::bigint[], %(actors)s::text[],
  %(subjects)s::text[]) AS d (entity_id, domain, system, attempts, actor, subject)
ORDER BY 1, 2, 3
ON CONFLICT (entity_id, domain, system) DO UPDATE SET
  attempts = CASE WHEN v.last_at < %(stale)s THEN excluded.attempts ELSE v.attempts + excluded.attempts END,
  first_at = CASE WHEN v.last_at < %(stale)s THEN excluded.first_at ELSE v.first_at END,
  last_at = excluded.last_at, last_actor = excluded.last_actor, last_subject = excluded.last_subject
RETURNING entity_id, domain, system, attempts, first_at, last_at, last_actor, last_subject
"""
STANDING = """
/* violations.standing */ SELECT entity_id, domain, system, attempts, first_at, last_at, last_actor, last_subject
FROM master_data.authority_violation WHERE entity_id = %s AND last_at >= %s ORDER BY last_at DESC
"""
Row = tuple[int, str, str, int, datetime, datetime, str, str]


def report_violations(session: Session, violations: Sequence[Violation], *, now: datetime) -> None:
    """Remember attempts and raise `authority_violation`, one exception per entity, domain and system.

    Two statements, however many. A write that is refused rolls back, so it is reported in a transaction of its own; what
    is kept but not carried out (a fact at the intake) is reported in the one that keeps it.
    """
    if not violations:
        return
    counts = Counter((one.entity_id, one.domain, one.system) for one in violations)
    last = {(one.entity_id, one.domain, one.system): one for one in violations}
    rows = [(*key, attempts, last[key].actor, last[key].subject[:200]) for key, attempts in counts.items()]
    names = ("entities", "domains", "systems", "attempts", "actors", "subjects")
    arguments = dict(zip(names, columns(rows, 6), strict=True)) | {"now": now, "stale": now - STANDS_FOR}
    kept = cursor(session).execute(UPSERT, arguments).fetchall()
    by_entity: dict[int, list[Cause]] = {}
    for row in kept:
        by_entity.setdefault(row[0], []).append(_cause(session, row, now))
    publish_all(session, [ExceptionsRaised(entity_id, KIND, tuple(found)) for entity_id, found in by_entity.items()])


def attempts_of(session: Session, entity_id: int, now: datetime) -> list[Row]:
    """Return the attempts of the last seven days, newest first."""
    return cursor(session).execute(STANDING, (entity_id, now - STANDS_FOR)).fetchall()


def still_true(session: Session, entity_id: int, keys: Collection[str] | None, now: datetime) -> list[Cause]:
    """Return the systems that tried within seven days and are still not authoritative."""
    book = book_of(session)
    found = []
    for row in attempts_of(session, entity_id, now):
        named = book.named(row[1], entity_id, now)
        if named is not None and named.system != row[2] and (keys is None or _key(row) in keys):
            found.append(_cause(session, row, now))
    return found


def _key(row: Row) -> str:
    return f"authority:{row[0]}:{row[1]}:{row[2]}"


def _cause(session: Session, row: Row, now: datetime) -> Cause:
    entity_id, domain, system, attempts, first_at, last_at, actor, subject = row
    named = book_of(session).named(domain, entity_id, now)
    owner = named.system if named else "nobody"
    return Cause(
        key=_key(row),
        entity_id=entity_id,
        item_id=None,
        location_id=None,
        quantity=attempts,
        occurred_at=first_at,
        title=f"{DOMAINS[domain]}: {system} wrote, {owner} is authoritative",
        evidence={
            "domain": domain,
            "system": system,
            "authority": owner,
            "attempts": attempts,
            "last_at": last_at.isoformat(),
            "last_actor": actor,
            "last_subject": subject,
            "href": "/master_data/authorities",
        },
    )
