"""Digests told to programs: one body per digest and day, kept with what became of it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from onhand import audit
from onhand.actors import Actor
from onhand.db import cursor
from onhand.ids import uuid7
from sqlalchemy.orm import Session

from onhand_exceptions.digesting import document_of
from onhand_exceptions.services.digests import ENTITY, is_due, mark_told, standing, told_parts
from onhand_exceptions.services.signing import secret_of
from onhand_exceptions.services.turns import take_turn

__all__ = ["Call", "begin_again", "call_due", "find_call", "note_answer", "reveal_secret"]

ERROR_CHARACTERS_MAX = 500
KEEP = """
/* exceptions.delivery.keep */ INSERT INTO exceptions.delivery (id, entity_id, digest_id, day, url, body, recorded_at)
VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT (digest_id, day) DO NOTHING RETURNING id
"""
FIND = """
/* exceptions.delivery */ SELECT v.id, v.url, v.body, v.digest_id, d.salt FROM exceptions.delivery AS v
JOIN exceptions.digest AS d ON d.id = v.digest_id
WHERE v.id = %s AND v.delivered_at IS NULL AND v.given_up_at IS NULL AND d.ended_at IS NULL
"""
NOTE = """
/* exceptions.delivery.note */ UPDATE exceptions.delivery SET attempts = attempts + 1, error = %(error)s,
  delivered_at = CASE WHEN %(error)s::text IS NULL THEN %(now)s END,
  given_up_at = CASE WHEN %(error)s::text IS NOT NULL AND attempts + 1 >= %(attempts_max)s THEN %(now)s END
WHERE id = %(id)s AND delivered_at IS NULL
"""
AGAIN = """
/* exceptions.delivery.again */ UPDATE exceptions.delivery AS v SET given_up_at = NULL, attempts = 0
FROM exceptions.digest AS d
WHERE v.id = %s AND v.entity_id = %s AND v.given_up_at IS NOT NULL AND d.id = v.digest_id AND d.ended_at IS NULL
RETURNING v.digest_id
"""
SALT = """
/* exceptions.digest.salt */ SELECT name, salt FROM exceptions.digest
WHERE id = %s AND entity_id = %s AND salt IS NOT NULL
"""


@dataclass(frozen=True, slots=True)
class Call:
    """What is to be sent where. The id is the same at every try, so that a program can tell it has it already."""

    id: UUID
    url: str
    body: bytes
    digest_id: int
    salt: str


def call_due(session: Session, entity_id: int, *, site_url: str, now: datetime) -> list[UUID]:
    """Compose what programs are told by the digests whose hour has come, once a day each; return the deliveries."""
    take_turn(session, entity_id)
    row = cursor(session).execute(ENTITY, (entity_id,)).fetchone()
    if row is None:
        return []
    code, _, currency, zone = row
    local = now.astimezone(ZoneInfo(zone))
    due = [one for one in standing(session, entity_id) if one.per == "webhook" and is_due(one, local)]
    made: list[UUID] = []
    for one in due:
        [part] = told_parts(session, entity_id, one, now)
        body = document_of(part, one.name, one.query, code, currency, site_url, now)
        kept = (uuid7(), entity_id, one.id, local.date(), one.address, body, now)
        made += [found[0] for found in cursor(session).execute(KEEP, kept).fetchall()]
    mark_told(session, due, local.date())
    return made


def find_call(session: Session, delivery_id: UUID) -> Call | None:
    """Return what is still to be sent; None once it was taken or given up, and when its digest has ended."""
    row = cursor(session).execute(FIND, (delivery_id,)).fetchone()
    return Call(row[0], row[1], row[2].encode(), row[3], row[4]) if row else None


def note_answer(session: Session, delivery_id: UUID, error: str | None, *, attempts_max: int, now: datetime) -> None:
    """Note a try: taken, or what went wrong; with the last try that goes wrong it is given up."""
    told = {
        "id": delivery_id,
        "error": error and error[:ERROR_CHARACTERS_MAX],
        "attempts_max": attempts_max,
        "now": now,
    }
    cursor(session).execute(NOTE, told)


def begin_again(session: Session, entity_id: int, delivery_id: UUID, *, by: Actor) -> bool:
    """Take up again what was given up; return whether there was such a delivery. It is then to be sent."""
    row = cursor(session).execute(AGAIN, (delivery_id, entity_id)).fetchone()
    if row is not None:
        told = {"delivery": str(delivery_id)}
        audit.record(session, by, "exceptions.deliver_again", f"digest:{row[0]}", None, told, entity_id=entity_id)
    return row is not None


def reveal_secret(session: Session, entity_id: int, digest_id: int, site_secret: str, *, by: Actor) -> str | None:
    """Return what a digest's calls are, or were, signed with, and keep who asked; None where there is no such webhook."""
    row = cursor(session).execute(SALT, (digest_id, entity_id)).fetchone()
    if row is None:
        return None
    audit.record(
        session, by, "exceptions.reveal_secret", f"digest:{digest_id}", None, {"name": row[0]}, entity_id=entity_id
    )
    return secret_of(site_secret, digest_id, row[1])
