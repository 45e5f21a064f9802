"""Ask again and again what is still true."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TypeVar
from uuid import UUID

from flask import current_app
from onhand import outgoing
from onhand.config import Settings
from onhand.db import cursor
from onhand.events import AddonEnabled
from onhand.jobs import actor, enqueue
from onhand.jobs.queue import resend
from onhand.transaction import run
from sqlalchemy.orm import Session

from onhand_exceptions import services
from onhand_exceptions.metrics import measure
from onhand_exceptions.services.signing import secret_of

__all__ = ["again", "check_open", "count", "deliver", "digest", "find_missing", "keep_time"]

T = TypeVar("T")
NOUN = "exceptions"
TRIES = 12
PARKED = """
/* exceptions.delivery.parked */ SELECT id FROM onhand.job
WHERE actor = 'exceptions.deliver' AND status = 'parked' AND args ->> 'delivery' = %s
"""


@actor()
def check_open(entities: Sequence[int]) -> None:
    """Close what is gone, a thousand per transaction. Twice is harmless: what is closed is not open."""
    for entity_id in entities:
        after: str | None = ""
        while after is not None:
            after = _check(entity_id, after)
    run(lambda session, _: measure(session), entities=entities)


@actor()
def find_missing(entities: Sequence[int]) -> None:
    """Open what holds and was never told, as when a switch-on lay in the future. Twice is harmless."""
    for entity_id in entities:
        _in_turn(entity_id, _start)


@actor()
def keep_time(entities: Sequence[int]) -> None:
    """Wake what was snoozed until now and escalate what is overdue, a thousand per transaction. Twice is harmless."""
    for entity_id in entities:
        for verb in (services.wake, services.escalate):
            while _in_turn(entity_id, verb):
                pass


@actor()
def count(entities: Sequence[int]) -> None:
    """Count what is open, for the board. Twice is harmless: today's count replaces today's count."""
    for entity_id in entities:
        _in_turn(entity_id, services.tally)


@actor()
def digest(entities: Sequence[int]) -> None:
    """Compose the digests whose hour has come, write mails to files and have programs told.

    Twice is harmless: the same file is written, and what a program is told of a day is composed once.
    """
    settings: Settings = current_app.extensions["onhand_settings"]
    for entity_id in entities:
        _in_turn(entity_id, partial(services.write_due, site_url=settings.site_url))
        while _write_mails(entity_id, settings.mail_path):
            pass
        _in_turn(entity_id, partial(_call, site_url=settings.site_url))


@actor(attempts=TRIES)
def deliver(entities: Sequence[int], delivery: str) -> None:
    """Tell a program its digest. Twice is harmless: what was taken is not sent again, and both bear the same id.

    Tried for about twenty minutes, then parked and shown where digests are; an ended digest tells nothing more.
    """
    from standardwebhooks.webhooks import Webhook

    settings: Settings = current_app.extensions["onhand_settings"]
    call, now = run(lambda session, now: (services.find_call(session, UUID(delivery)), now), entities=entities)
    if call is None:
        return
    hook = Webhook(secret_of(settings.secret_key, call.digest_id, call.salt))
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "onhand",
        "webhook-id": str(call.id),
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": hook.sign(str(call.id), now, call.body.decode()),
    }
    try:
        outgoing.deliver(call.url, call.body, headers, hosts=settings.outgoing_hosts)
    except outgoing.Undelivered as error:
        _note(entities, call.id, str(error))
        raise
    _note(entities, call.id, None)


def again(session: Session, entity_id: int, delivery_id: UUID, *, now: datetime) -> None:
    """Have a delivery that was given up sent, by the job that was parked with it where there is one."""
    parked = [row[0] for row in cursor(session).execute(PARKED, (str(delivery_id),)).fetchall()]
    if parked:
        resend(session, parked, now=now)
    else:
        enqueue(session, deliver, entity_id=entity_id, args={"delivery": str(delivery_id)}, key=str(delivery_id))


def _in_turn(entity_id: int, verb: Callable[..., T]) -> T:
    """Run a verb upon an entity in a transaction of its own."""
    return run(lambda session, now: verb(session, entity_id, now=now), entities=[entity_id])


def _start(session: Session, entity_id: int, *, now: datetime) -> None:
    services.start(session, AddonEnabled(entity_id, NOUN), now=now)


def _call(session: Session, entity_id: int, *, site_url: str, now: datetime) -> None:
    for made in services.call_due(session, entity_id, site_url=site_url, now=now):
        enqueue(session, deliver, entity_id=entity_id, args={"delivery": str(made)}, key=str(made))


def _note(entities: Sequence[int], delivery_id: UUID, error: str | None) -> None:
    run(
        lambda session, now: services.note_answer(session, delivery_id, error, attempts_max=TRIES, now=now),
        entities=entities,
    )


def _write_mails(entity_id: int, folder: Path) -> bool:
    """Write what waits, each file whole or not at all, and note it afterwards; return whether there was any."""
    mails = run(lambda session, _: services.waiting(session, entity_id), entities=[entity_id])
    for mail in mails:
        folder.mkdir(parents=True, exist_ok=True)
        unfinished = folder / f".{mail.name}.part"
        unfinished.write_bytes(mail.message.encode("utf-8", "surrogateescape"))
        unfinished.replace(folder / mail.name)
    if mails:
        ids = [mail.id for mail in mails]
        run(lambda session, now: services.mark_written(session, ids, now=now), entities=[entity_id])
    return bool(mails)


def _check(entity_id: int, after: str) -> str | None:
    checked = run(
        lambda session, now: services.recheck(session, entity_id, None, now=now, after=after), entities=[entity_id]
    )
    return checked.next
