"""Digests: what is open, told to a team, to each owner or to a program, at an hour of theirs; mails go into files."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any, Literal, get_args
from zoneinfo import ZoneInfo

from onhand import audit, outgoing
from onhand.actors import Actor
from onhand.db import cursor
from onhand.ids import uuid7
from sqlalchemy.orm import Session

from onhand_exceptions.digesting import Part, filter_of, parts_of, text_of
from onhand_exceptions.filtering import BadToken
from onhand_exceptions.services.signing import new_salt
from onhand_exceptions.services.turns import take_turn

__all__ = [
    "DAYS", "ENTITY", "DigestRefused", "NewDigest", "Per", "Standing", "Waiting", "end_digest", "is_due", "make_digest",
    "mark_told", "mark_written", "standing", "told_parts", "waiting", "write_due",
]  # fmt: skip

Per = Literal["team", "owner", "webhook"]
DAYS = {"daily": range(7), "weekdays": range(5), "mondays": range(1)}
NAME_CHARACTERS_MAX = 60
DIGESTS_MAX = 50
FROM = "Onhand"

MAKE = """
/* exceptions.digest.make */ INSERT INTO exceptions.digest
  (entity_id, user_id, name, query, per, address, days, hour, recorded_at, salt)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING id
"""
TAKEN = """
/* exceptions.digest.taken */ SELECT count(*), count(*) FILTER (WHERE name = %s) FROM exceptions.digest
WHERE entity_id = %s AND ended_at IS NULL
"""
END = """
/* exceptions.digest.end */ UPDATE exceptions.digest SET ended_at = %s
WHERE id = %s AND entity_id = %s AND ended_at IS NULL RETURNING name
"""
STANDING = """
/* exceptions.digest.standing */ SELECT d.id, d.name, d.query, d.per, d.address, d.days, d.hour, d.last_day, d.user_id
FROM exceptions.digest AS d WHERE d.entity_id = %s AND d.ended_at IS NULL ORDER BY d.id
"""
ENTITY = "SELECT code, name, currency, time_zone FROM onhand.entity WHERE id = %s"
WRITTEN_FOR = "/* exceptions.digest.day */ UPDATE exceptions.digest SET last_day = %s WHERE id = ANY(%s)"
KEEP = """
/* exceptions.mail.keep */ INSERT INTO exceptions.mail (entity_id, digest_id, day, address, message, recorded_at)
SELECT %s, m.*, %s FROM unnest(%s::int[], %s::date[], %s::text[], %s::text[]) AS m
ON CONFLICT (digest_id, day, address) DO NOTHING
"""
WAITING = """
/* exceptions.mail.waiting */ SELECT id, digest_id, day, message FROM exceptions.mail
WHERE entity_id = %s AND written_at IS NULL ORDER BY id LIMIT %s
"""
MARK = (
    "/* exceptions.mail.written */ UPDATE exceptions.mail SET written_at = %s WHERE id = ANY(%s) AND written_at IS NULL"
)


class DigestRefused(Exception):
    """A digest that cannot be; the message says why. `field` is what is wrong."""

    def __init__(self, field: str, message: str) -> None:
        self.field = field
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class NewDigest:
    """What is told (a filter), to whom, on which days and from which hour there.

    To a team's mail address, to each owner, or by webhook to a program's URL.
    """

    name: str
    query: str
    per: Per
    address: str
    days: str
    hour: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """A mail that is to be written to a file; its name is the same however often it is tried."""

    id: int
    name: str
    message: str


@dataclass(frozen=True, slots=True)
class Standing:
    """A digest that has not ended."""

    id: int
    name: str
    query: str
    per: Per
    address: str | None
    days: str
    hour: int
    last_day: date | None
    user_id: int


def make_digest(
    session: Session, entity_id: int, wish: NewDigest, *, by: Actor, user_id: int, now: datetime, hosts: str = ""
) -> int:  # fmt: skip
    """Begin a digest; return its id. DigestRefused names what is wrong; nothing is begun then.

    `hosts` are those that a webhook may reach though they are not public.
    """
    take_turn(session, entity_id)
    name, address = wish.name.strip(), wish.address.strip()
    if not name or len(name) > NAME_CHARACTERS_MAX or not name.isprintable():
        raise DigestRefused("name", f"give it a name of 1 to {NAME_CHARACTERS_MAX} characters")
    if wish.days not in DAYS or wish.per not in get_args(Per) or not 0 <= wish.hour < 24:
        raise DigestRefused("days", "choose days, an hour and for whom")
    _check_address(wish.per, address, hosts)
    try:
        filter_of(session, entity_id, wish.query, user_id, now)
    except BadToken as bad:
        raise DigestRefused("query", str(bad)) from None
    row = cursor(session).execute(TAKEN, (name, entity_id)).fetchone()
    if row and (row[1] or row[0] >= DIGESTS_MAX):
        raise DigestRefused("name", "there is one of this name" if row[1] else f"there are {DIGESTS_MAX} already")
    kept = (entity_id, user_id, name, wish.query, wish.per, address if wish.per != "owner" else None, wish.days,
            wish.hour, now, new_salt() if wish.per == "webhook" else None)  # fmt: skip
    made = cursor(session).execute(MAKE, kept).fetchone()
    assert made is not None  # noqa: S101 - the statement returns the row it wrote
    told = {
        "name": name,
        "query": wish.query,
        "per": wish.per,
        "address": address,
        "days": wish.days,
        "hour": wish.hour,
    }
    audit.record(session, by, "exceptions.make_digest", f"digest:{made[0]}", None, told, entity_id=entity_id)
    return int(made[0])


def end_digest(session: Session, entity_id: int, digest_id: int, *, by: Actor, now: datetime) -> bool:
    """End a digest; return whether there was one."""
    row = cursor(session).execute(END, (now, digest_id, entity_id)).fetchone()
    if row is not None:
        audit.record(session, by, "exceptions.end_digest", f"digest:{digest_id}", {"name": row[0]}, entity_id=entity_id)
    return row is not None


def write_due(session: Session, entity_id: int, *, site_url: str, now: datetime) -> int:
    """Compose the mails of the digests whose hour has come; return how many. Each is composed once a day.

    A team is told even that nothing is open; an owner only of what is theirs, and only where the user name is a mail
    address. A filter that cannot be read any more is told as such.
    """
    take_turn(session, entity_id)
    row = cursor(session).execute(ENTITY, (entity_id,)).fetchone()
    if row is None:
        return 0
    code, name, currency, zone = row
    local = now.astimezone(ZoneInfo(zone))
    due = [one for one in standing(session, entity_id) if one.per != "webhook" and is_due(one, local)]
    mails: list[tuple[int, date, str, str]] = []
    for one in due:
        for part in told_parts(session, entity_id, one, now):
            address = one.address or part.address
            if address and _address(address):
                text = text_of(part, name, currency, ZoneInfo(zone), site_url, now)
                mails.append((one.id, local.date(), address, _message(one, part, code, address, text, now)))
    mark_told(session, due, local.date())
    if mails:
        columns: list[list[Any]] = [list(column) for column in zip(*mails, strict=True)]
        cursor(session).execute(KEEP, (entity_id, now, *columns))
    return len(mails)


def waiting(session: Session, entity_id: int, limit: int = 100) -> list[Waiting]:
    """Return mails that were composed and not yet written to their files."""
    rows = cursor(session).execute(WAITING, (entity_id, limit)).fetchall()
    return [Waiting(row[0], f"digest-{row[1]}-{row[2]:%Y-%m-%d}-{row[0]}.eml", row[3]) for row in rows]


def mark_written(session: Session, ids: Sequence[int], *, now: datetime) -> None:
    """Note that mails lie in their files. Twice is harmless."""
    cursor(session).execute(MARK, (now, list(ids)))


def standing(session: Session, entity_id: int) -> list[Standing]:
    """Return the digests that have not ended."""
    return [Standing(*row) for row in cursor(session).execute(STANDING, (entity_id,)).fetchall()]


def is_due(digest: Standing, local: datetime) -> bool:
    """Return whether a digest is to be told, and was not today, as days are where the entity is."""
    return local.weekday() in DAYS[digest.days] and local.hour >= digest.hour and digest.last_day != local.date()


def mark_told(session: Session, digests: Sequence[Standing], day: date) -> None:
    """Note that digests were told on a day."""
    if digests:
        cursor(session).execute(WRITTEN_FOR, (day, [one.id for one in digests]))


def told_parts(session: Session, entity_id: int, digest: Standing, now: datetime) -> list[Part]:
    """Return what each reader is told; a filter that cannot be read any more is told as such."""
    try:
        return parts_of(session, entity_id, digest.query, digest.per, digest.user_id, now)
    except BadToken as bad:
        return [Part(None, None, {}, [], f"The filter of this digest cannot be read any more: {bad}.")]


def _message(digest: Standing, part: Part, code: str, address: str, text: str, now: datetime) -> str:
    message = EmailMessage(policy=SMTP)
    message["From"] = Address(FROM, "onhand", "localhost")
    message["To"] = Address(addr_spec=address)
    message["Subject"] = (
        f"{digest.name} ({code}): {part.counts.get('open', 0)} open, {part.counts.get('overdue', 0)} overdue"
    )
    message["Date"] = now
    message["Message-ID"] = f"<{uuid7()}@onhand.localhost>"
    message.set_content(text)
    return message.as_string()


def _check_address(per: Per, address: str, hosts: str) -> None:
    if per == "team" and _address(address) is None:
        raise DigestRefused("address", f"{address or 'nothing'} is no mail address")
    if per == "webhook":
        try:
            outgoing.check(address, hosts)
        except outgoing.BadAddress as bad:
            raise DigestRefused("address", str(bad)) from None


def _address(text: str) -> Address | None:
    """Return a mail address, or None for what is none; one with line breaks would forge headers."""
    if "@" not in text or len(text) > 254 or any(character.isspace() for character in text):
        return None
    try:
        found = Address(addr_spec=text)
    except (ValueError, IndexError, TypeError):
        return None
    return found if "." in found.domain or found.domain == "localhost" else None
