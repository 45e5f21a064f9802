"""Factories for tests, of this add-on and of those that build on it: real holds, made by the real verbs."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import count

from onhand.actors import Actor
from onhand.testing.samples import Place, Sample
from onhand_channels.api import ChannelRef
from sqlalchemy.orm import Session

from onhand_reservations.services import confirm, expire_due, hold
from onhand_reservations.values import Change, Held, Hold, HoldRequest, WantedLine

__all__ = ["TESTER", "confirm_hold", "expire_all", "hold_units", "samples", "try_hold", "wish"]

TESTER = Actor.system("test")
_numbers = count(1)


def wish(
    channel: ChannelRef,
    lines: Mapping[str, int] | Sequence[tuple[str, int]],
    *,
    location: str | None = None,
    reference: str | None = None,
    ttl_seconds: int | None = None,
) -> HoldRequest:
    """Return a request: `wish(web, {"SKU-1": 2})` wants two. Pairs instead of a mapping may name an item twice.

    Every call without `reference` is another order.
    """
    pairs = lines.items() if isinstance(lines, Mapping) else lines
    wanted = tuple(WantedLine(sku, quantity, location) for sku, quantity in pairs)
    return HoldRequest(channel, reference or f"order-{next(_numbers):06}", wanted, ttl_seconds)


def try_hold(
    session: Session,
    now: datetime,
    channel: ChannelRef,
    lines: Mapping[str, int] | Sequence[tuple[str, int]],
    *,
    location: str | None = None,
    reference: str | None = None,
    ttl_seconds: int | None = None,
) -> Held:
    """Ask for units by SKU and return the answer, whatever it is."""
    request = wish(channel, lines, location=location, reference=reference, ttl_seconds=ttl_seconds)
    return hold(session, [request], by=TESTER, now=now)[0]


def hold_units(
    session: Session,
    now: datetime,
    channel: ChannelRef,
    lines: Mapping[str, int] | Sequence[tuple[str, int]],
    *,
    location: str | None = None,
    reference: str | None = None,
    ttl_seconds: int | None = None,
) -> Hold:
    """Hold units by SKU; a test that means to be refused calls `try_hold`."""
    answer = try_hold(
        session, now, channel, lines, location=location, reference=reference, ttl_seconds=ttl_seconds
    )  # fmt: skip
    if not isinstance(answer, Hold):
        raise AssertionError(f"not held: {answer}")
    return answer


def confirm_hold(session: Session, now: datetime, held: Hold) -> Hold:
    """Confirm a hold that may be confirmed."""
    [answer] = confirm(session, [Change(held.id)], by=TESTER, now=now)
    if not isinstance(answer, Hold):
        raise AssertionError(f"not confirmed: {answer}")
    return answer


def expire_all(session: Session, now: datetime) -> int:
    """Sweep until nothing is due at `now`, which a test may set in the future; return how many holds expired."""
    expired = 0
    while batch := expire_due(session, by=TESTER, now=now):
        expired += batch
    return expired


def samples(session: Session, now: datetime, place: Place) -> dict[str, Sample]:
    """A hold on units of the place's item at its location."""
    location, item = place.things["location"], place.things["item"]
    held = hold_units(session, now, place.things["channel"], {item.sku: 2}, location=location.code)
    return {"reservations/hold_id": Sample(str(held.id), at_location=True)}
