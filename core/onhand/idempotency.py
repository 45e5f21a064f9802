"""Idempotency keys: one effect per key for ever, and for 30 days the same answer, byte for byte."""

import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import Response, request
from sqlalchemy import Index
from sqlalchemy.orm import Mapped, Session, mapped_column

from onhand import problems
from onhand.access import in_scope, principal
from onhand.db import Base, Cursor, bytes_array, cursor, int_array, table, text_array

__all__ = [
    "ANSWER_KEPT", "Answer", "Claim", "IdempotencyKey", "KeyExpired", "KeyReused", "Stored", "answer_of", "claim",
    "claim_ahead", "digest_of", "forget", "once", "request_key", "respond", "store", "unclaim",
]  # fmt: skip

ANSWER_KEPT = timedelta(days=30)
AHEAD = "onhand_keys_claimed"
KEY_HEADER = "Idempotency-Key"
VISIBLE = re.compile(r"[\x21-\x7e]{1,255}")

CLAIM = """
/* idempotency.claim */ INSERT INTO onhand.idempotency_key (owner, key, digest, recorded_at)
SELECT asked.*, coalesce(%s::timestamptz, transaction_timestamp()) FROM unnest(%s::text[], %s::text[], %s::bytea[]) AS asked (owner, key, digest)
ON CONFLICT DO NOTHING RETURNING owner, key
"""
FOUND = """
/* idempotency.found */ SELECT kept.owner, kept.key, kept.digest, kept.status, kept.answer, kept.recorded_at
FROM unnest(%s::text[], %s::text[]) AS asked (owner, key)
JOIN onhand.idempotency_key kept ON kept.owner = asked.owner AND kept.key = asked.key
"""
STORE = """
/* idempotency.store */ UPDATE onhand.idempotency_key AS kept SET status = given.status, answer = given.answer
FROM unnest(%s::text[], %s::text[], %s::int[], %s::bytea[]) AS given (owner, key, status, answer)
WHERE kept.owner = given.owner AND kept.key = given.key
"""
UNCLAIM = """
/* idempotency.unclaim */ DELETE FROM onhand.idempotency_key AS kept
USING unnest(%s::text[], %s::text[]) AS given (owner, key)
WHERE kept.owner = given.owner AND kept.key = given.key AND kept.answer IS NULL AND kept.recorded_at = %s
"""
FORGET = """
/* idempotency.forget */ UPDATE onhand.idempotency_key SET status = NULL, answer = NULL
WHERE (owner, key) IN (
  SELECT owner, key FROM onhand.idempotency_key
  WHERE recorded_at < %s AND recorded_at > %s AND answer IS NOT NULL LIMIT %s FOR UPDATE SKIP LOCKED
)
"""


class IdempotencyKey(Base):
    """A key that was used, for which body, and what was answered. The key stays when the answer is forgotten."""

    __tablename__ = "idempotency_key"
    __table_args__ = table(
        Index("idempotency_key_recorded_at_idx", "recorded_at", postgresql_using="brin"),
        schema="onhand",
        scope="system",
    )
    owner: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[bytes]
    status: Mapped[int | None]
    answer: Mapped[bytes | None]
    recorded_at: Mapped[datetime]


@dataclass(frozen=True, slots=True)
class Stored:
    """The answer given the first time."""

    status: int
    answer: bytes


@dataclass(frozen=True, slots=True)
class KeyReused:
    """The key was used before, for another body."""


@dataclass(frozen=True, slots=True)
class KeyExpired:
    """The key was used before; its answer is no longer kept."""


Claim = Stored | KeyReused | KeyExpired | None
Answer = tuple[int, bytes]
OwnedKey = tuple[str, str]


def claim(session: Session, asked: Iterable[tuple[str, str, bytes]], now: datetime) -> dict[OwnedKey, Claim]:
    """Take each (owner, key, digest) for this transaction; None means it is ours to act on, then to `store`.

    Waits for another transaction that holds one of the keys and then sees its answer, so of two equal requests racing
    exactly one acts. Keys are locks and come first in the lock order. Of a key asked twice the first digest counts.
    """
    wanted = _wanted(asked)
    keys = sorted(wanted)
    sent = session.info.pop(AHEAD, None)
    claimed = sent[1] if sent is not None and sent[0] == wanted else _claim(session, wanted, now)
    ours = {(row[0], row[1]) for row in claimed.fetchall()}
    claims: dict[OwnedKey, Claim] = dict.fromkeys(keys)
    if len(ours) < len(keys):
        claims |= _found(cursor(session), [key for key in keys if key not in ours], wanted, now)
    return claims


def claim_ahead(session: Session, asked: Iterable[tuple[str, str, bytes]]) -> None:
    """Send what `claim` will ask for, ahead of it, so that it need not wait. For the `ahead` of a hot command."""
    wanted = _wanted(asked)
    session.info[AHEAD] = (wanted, _claim(session, wanted, None))


def _wanted(asked: Iterable[tuple[str, str, bytes]]) -> dict[OwnedKey, bytes]:
    wanted: dict[OwnedKey, bytes] = {}
    for owner, key, digest in asked:
        wanted.setdefault((owner, key), digest)
    return wanted


def _claim(session: Session, wanted: dict[OwnedKey, bytes], now: datetime | None) -> Cursor:
    keys = sorted(wanted)
    return cursor(session).execute(CLAIM, (now, *_columns(keys), bytes_array([wanted[key] for key in keys])))


def _found(raw: Cursor, keys: list[OwnedKey], wanted: dict[OwnedKey, bytes], now: datetime) -> dict[OwnedKey, Claim]:
    found: dict[OwnedKey, Claim] = {}
    for owner, key, digest, status, answer, recorded_at in raw.execute(FOUND, _columns(keys)).fetchall():
        if bytes(digest) != wanted[owner, key]:
            found[owner, key] = KeyReused()
        elif answer is None or recorded_at <= now - ANSWER_KEPT:
            found[owner, key] = KeyExpired()
        else:
            found[owner, key] = Stored(status, bytes(answer))
    return found


def store(session: Session, answers: Sequence[tuple[str, str, int, bytes]]) -> None:
    """Keep the answer (owner, key, status, body) of keys this transaction claimed, refusals included."""
    statuses = int_array([answer[2] for answer in answers])
    bodies = bytes_array([answer[3] for answer in answers])
    keys = [(answer[0], answer[1]) for answer in answers]
    cursor(session).execute(STORE, (*_columns(keys), statuses, bodies))


def unclaim(session: Session, keys: Sequence[OwnedKey], now: datetime) -> None:
    """Give back keys that this transaction claimed and did not act on, so that a second try may claim them."""
    cursor(session).execute(UNCLAIM, (*_columns(keys), now))


def _columns(keys: Sequence[OwnedKey]) -> tuple[str, str]:
    return text_array([key[0] for key in keys]), text_array([key[1] for key in keys])


def forget(session: Session, now: datetime, *, limit: int = 1_000) -> int:
    """Drop answers older than 30 days and return how many; the keys stay taken. Twice is harmless."""
    oldest = now - ANSWER_KEPT
    # Bounded below so that the block-range index skips the years before; an answer missed there is expired anyway.
    return cursor(session).execute(FORGET, (oldest, oldest - 3 * ANSWER_KEPT, limit)).rowcount


def digest_of(*parts: bytes) -> bytes:
    """Return the SHA-256 of what makes a request the same request: method, path and body, say."""
    hasher = hashlib.sha256()
    for part in parts:
        hasher.update(len(part).to_bytes(8, "big"))
        hasher.update(part)
    return hasher.digest()


def request_key(header: Callable[[str], str] | None = None) -> str:
    """Return a request's `Idempotency-Key`, this request's unless another's headers are given.

    KeyMissing when there is none or it is not 1 to 255 visible ASCII.
    """
    key = header(KEY_HEADER) if header is not None else request.headers.get(KEY_HEADER, "")
    if not VISIBLE.fullmatch(key):
        raise problems.KeyMissing(
            "send the header Idempotency-Key: 1 to 255 visible ASCII characters, the same for each try of one request"
        )
    return key


def answer_of(claim: Stored | KeyReused | KeyExpired) -> Answer:
    """Return what to send for a key that was used before: its first answer, or why there is none."""
    if isinstance(claim, Stored):
        return claim.status, claim.answer
    problem: problems.Problem = (
        problems.KeyReused("a key names one request; use a new one for another body")
        if isinstance(claim, KeyReused)
        else problems.KeyExpired("its effect stands; look the result up instead of sending it again")
    )
    return problem.status, problem.body()


def once(command: Callable[[Session, datetime], Answer]) -> Response:
    """Carry out this request's command once per Idempotency-Key, in one transaction with its answer, and send that.

    A Problem the command raises is an answer too: its effects are undone and it is kept, unless it is a fault of ours.
    """
    key, owner = request_key(), principal().owner
    digest = digest_of(request.method.encode(), request.path.encode(), request.get_data())

    def carry_out(session: Session, now: datetime) -> Answer:
        held = claim(session, [(owner, key, digest)], now)[owner, key]
        if held is not None:
            return answer_of(held)
        try:
            with session.begin_nested():
                status, body = command(session, now)
        except problems.Problem as problem:
            if problem.status >= 500:
                raise
            status, body = problem.status, problem.body()
        store(session, [(owner, key, status, body)])
        return status, body

    return respond(*in_scope(carry_out))


def respond(status: int, body: bytes) -> Response:
    """Return stored bytes as a response of the kind they are."""
    kind = "application/json" if status < 400 else "application/problem+json"
    return Response(body, status=status, content_type=kind)
