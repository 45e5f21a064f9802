"""Carry out keyed requests once: the key, the effect and the answer are one transaction."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec
from onhand import idempotency
from onhand.actors import Actor
from onhand.problems import Conflict, Invalid, NotFound, Problem, field_error
from onhand.transaction import context
from onhand_channels.api import ChannelRef, ask_channels, channels_by_code
from sqlalchemy.orm import Session

from onhand_reservations import services
from onhand_reservations.services.holding import CATALOGUE
from onhand_reservations.values import (
    Change,
    Extension,
    Held,
    Hold,
    HoldRequest,
    NotAllowed,
    OutOfStock,
    Unknown,
    Wish,
)

__all__ = [
    "AGAIN",
    "HoldExpired",
    "HoldNotAllowed",
    "Keyed",
    "StockShort",
    "ask_ahead",
    "carry_out_changes",
    "carry_out_holds",
    "claim_ahead",
]

Answer = tuple[int, bytes]
AGAIN: Answer = (0, b"")
"""The answer to a request that a second try may serve: nothing was kept, its key is free."""

DOOR = Actor.system("reservation-door")  # never recorded: every request names its own author
encode = msgspec.json.Encoder().encode


class StockShort(Conflict):
    """Lines are not covered; `shortfalls` says what was asked for and what may be promised."""

    type, title = "out-of-stock", "Not enough may be promised"


class HoldExpired(Conflict):
    """The hold ran out before; its units may be promised or sold by now. Hold again."""

    type, title = "hold-expired", "The hold has expired"


class HoldNotAllowed(Conflict):
    """The hold's status, its channel or a guard does not allow it; `reason` and the detail say which, and what to do."""

    type, title = "hold-not-allowed", "Not allowed for this hold"


class Keyed(msgspec.Struct, frozen=True, gc=False):
    """A request and the key it came with, of an entity or, not known yet, of one of several.

    `is_final`: a refusal stands even if a second try might serve it.
    """

    owner: str
    key: str
    digest: bytes
    entity_id: int | tuple[int, ...]
    request: Any
    is_final: bool = False

    @property
    def entities(self) -> tuple[int, ...]:
        """What its transaction must see."""
        return self.entity_id if isinstance(self.entity_id, tuple) else (self.entity_id,)


def ask_ahead(session: Session, asked: Sequence[Keyed]) -> None:
    """Send what holding begins with, ahead of it: the keys, and which state of master data holds."""
    codes = _codes(asked)
    if codes:
        ask_channels(session, codes)
    CATALOGUE.ask(session)
    claim_ahead(session, asked)


def claim_ahead(session: Session, asked: Sequence[Keyed]) -> None:
    """Send the keys ahead: every change begins with them."""
    idempotency.claim_ahead(session, [(one.owner, one.key, one.digest) for one in asked])


def carry_out_holds(session: Session, asked: Sequence[Keyed], now: datetime) -> list[Answer]:
    """Hold what was not asked before; answer what was as the first time. In the order given."""
    CATALOGUE.ask(session)  # beside the keys, whose answer is awaited anyway
    codes = _codes(asked)
    channels = {channel.code: channel for channel in channels_by_code(session, codes)} if codes else {}

    def verb(wanted: Sequence[HoldRequest | Wish]) -> list[Any]:
        requests = [_request(session, one, channels, now) if isinstance(one, Wish) else one for one in wanted]
        found = iter(
            services.hold(session, [one for one in requests if isinstance(one, HoldRequest)], by=DOOR, now=now)
        )
        return [next(found) if isinstance(one, HoldRequest) else one for one in requests]

    return _once(session, asked, now, verb, created=201)


def _codes(asked: Sequence[Keyed]) -> set[str]:
    return {one.request.code for one in asked if isinstance(one.request, Wish)}


def _request(session: Session, wish: Wish, channels: Mapping[str, ChannelRef], now: datetime) -> HoldRequest | NotFound:
    """Return a wish with its channel, or why there is none within reach: another's is answered as none."""
    channel = channels.get(wish.code) if wish.asker.source in {None, wish.code} else None
    if (
        channel is None
        or channel.entity_id not in wish.asker.reach
        or not context(session).addons.entities_with("reservations", (channel.entity_id,), now, draining=True)
    ):
        return NotFound(f"there is no channel {wish.code!r} that this token may ask for", channel=wish.code)
    places = wish.asker.reach[channel.entity_id]
    if places is not None:
        channel = replace(channel, location_ids=tuple(place for place in channel.location_ids if place in places))
    return HoldRequest(
        channel, wish.reference, wish.lines, wish.ttl_seconds, wish.actor, within=wish.asker.within(channel.entity_id)
    )


def carry_out_changes(name: str) -> Callable[[Session, Sequence[Keyed], datetime], list[Answer]]:
    """Return how confirm, extend, release or fulfil are carried out once per key."""
    change = getattr(services, name)

    def carry_out(session: Session, asked: Sequence[Keyed], now: datetime) -> list[Answer]:
        def verb(requests: Sequence[Change | Extension]) -> list[Any]:
            return change(session, requests, by=DOOR, now=now)  # type: ignore[no-any-return]  # a verb found by its name

        return _once(session, asked, now, verb, created=200)

    carry_out.__name__ = f"reservations.{name}"
    return carry_out


def _once(
    session: Session, asked: Sequence[Keyed], now: datetime, verb: Callable[[Sequence[Any]], list[Any]], *, created: int
) -> list[Answer]:
    claims = idempotency.claim(session, [(one.owner, one.key, one.digest) for one in asked], now)
    first: dict[tuple[str, str], Keyed] = {}
    for one in asked:
        first.setdefault((one.owner, one.key), one)
    new = [one for name, one in first.items() if claims[name] is None]
    answers: dict[tuple[str, str], Answer] = {}
    free: list[tuple[str, str]] = []
    for one, result in zip(new, verb([one.request for one in new]) if new else (), strict=True):
        name = (one.owner, one.key)
        if isinstance(result, OutOfStock) and result.curable and not one.is_final:
            answers[name] = AGAIN
            free.append(name)
        elif isinstance(result, NotFound):
            answers[name] = (result.status, result.body())
            free.append(name)
        else:
            answers[name] = _answer(result, created)
    freed = set(free)
    kept = [(*name, *answer) for name, answer in answers.items() if name not in freed]
    if kept:
        idempotency.store(session, kept)
    if free:
        idempotency.unclaim(session, free, now)
    return [_tell(one, first[one.owner, one.key], claims, answers) for one in asked]


def _tell(
    one: Keyed, first: Keyed, claims: dict[tuple[str, str], Any], answers: dict[tuple[str, str], Answer]
) -> Answer:
    name = (one.owner, one.key)
    if one.digest != first.digest:
        return idempotency.answer_of(idempotency.KeyReused())
    found = claims[name]
    return answers[name] if found is None else idempotency.answer_of(found)


def _answer(result: Held, created: int) -> Answer:
    if isinstance(result, Hold):
        return created, encode(result)
    problem = problem_of(result)
    return problem.status, problem.body()


def problem_of(refusal: OutOfStock | Unknown | NotAllowed) -> Problem:
    """Return a refusal as the problem document that callers are sent."""
    if isinstance(refusal, OutOfStock):
        return StockShort(
            f"{len(refusal.shortfalls)} of the lines cannot be promised",
            shortfalls=msgspec.to_builtins(refusal.shortfalls),
            as_of=refusal.as_of,
        )
    if isinstance(refusal, Unknown):
        return Invalid(errors=[field_error(field, message, value) for field, message, value in refusal.errors])
    if refusal.reason == "not_found":
        return NotFound(refusal.detail)
    if refusal.reason == "ttl":
        return Invalid(errors=[field_error("ttl_seconds", refusal.detail)])
    kind = HoldExpired if refusal.reason == "expired" else HoldNotAllowed
    return kind(refusal.detail, reason=refusal.reason, hold_status=refusal.status)
