"""Adjustments as a kind of approval: what is put before others, whether it still fits, and carrying it out."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from onhand.actors import Actor
from onhand.addons.models import Entity
from onhand.approvals.api import (
    Amendment,
    Applied,
    Approval,
    ApprovalKind,
    ApprovalRequest,
    ApprovalTier,
    Change,
    NotApplied,
    Proof,
)
from onhand.reasons.api import check
from onhand_master_data.api import (
    ItemName,
    Location,
    LocationName,
    describe_items,
    describe_locations,
    locations_by_code,
)
from sqlalchemy import select
from sqlalchemy.orm import Session

from onhand_stock.models import Adjustment
from onhand_stock.places import item_page
from onhand_stock.queries import BalanceRow, balances
from onhand_stock.services.adjusting.carrying import carry_out, excess_of
from onhand_stock.services.adjusting.weighing import places_of, values_of
from onhand_stock.settings import recount_from
from onhand_stock.states import STATES

__all__ = ["ADJUSTMENT", "apply", "recheck", "requests_of", "revise"]

NOTHING = dict.fromkeys(STATES, 0)


def apply(
    session: Session, approvals: Sequence[Approval], *, by: Actor, now: datetime
) -> Sequence[Applied | NotApplied]:
    """Post what was agreed on; NotApplied where the numbers have moved on since it was last looked at."""
    rows = _rows(session, approvals)
    for row, approval in zip(rows, approvals, strict=True):
        row.approval_id, row.seen = approval.id, approval.request.payload["seen"]
    faults = carry_out(session, rows, by=by, now=now)
    return [
        Applied(f"/stock/adjustments/{row.id}", {"adjustment": str(row.id)}) if fault is None else NotApplied(fault[1])
        for row, fault in zip(rows, faults, strict=True)
    ]


def recheck(
    session: Session,
    approvals: Sequence[Approval],
    *,
    now: datetime,  # noqa: ARG001 - as the kind is asked
) -> Sequence[ApprovalRequest | NotApplied | None]:
    """Compare the balances with what was seen: the change is asked for anew on the numbers of now, where it still can be."""
    rows = _rows(session, approvals)
    bad = check(session, [(row.reason, None if row.position is not None else row.kind) for row in rows])
    there = _there(session, rows)
    moved = [
        row
        for row, approval, reason in zip(rows, approvals, bad, strict=True)
        if reason is None and row.position is None and there[row.id][row.state] != approval.request.payload["seen"]
    ]
    anew = _anew(session, moved, there)
    return [
        anew.get(row.id) if reason is None else NotApplied(reason.detail) for row, reason in zip(rows, bad, strict=True)
    ]


def requests_of(
    session: Session, rows: Sequence[Adjustment], seen: Mapping[UUID, int] | None = None
) -> list[ApprovalRequest]:
    """Return what is put before others for each row: before and after, in units and money, and what speaks for it.

    `seen`: the units that are there now, where that is not what the requester saw.
    """
    items = describe_items(session, {row.item_id for row in rows})
    places = describe_locations(session, {row.location_id for row in rows})
    entities = {row.entity_id for row in rows}
    currencies = dict(session.execute(select(Entity.id, Entity.currency).where(Entity.id.in_(entities))).all())
    here = {(one.item_id, one.location_id): one for one in _balances(session, rows)}
    return [
        _request(
            row, items[row.item_id], places[row.location_id], currencies[row.entity_id],
            here.get((row.item_id, row.location_id)), (seen or {}).get(row.id, row.seen),
        )
        for row in rows
    ]  # fmt: skip


def _request(
    row: Adjustment,
    item: ItemName,
    place: LocationName,
    currency: str,
    balance: BalanceRow | None,
    seen: int,
) -> ApprovalRequest:
    label = {"adjustment": "Adjust", "write_off": "Write off", "markdown": "Mark down"}[row.kind]
    state = row.state.replace("_", " ")
    what = f"{row.delta:+}".replace("-", "−") if row.delta else f"{seen}"
    available = balance.states["available"] if balance is not None else 0
    after = max(available + row.delta, 0) if row.state == "available" else available
    changes: list[Change] = []
    if row.delta:
        changes.append(Change(state.capitalize(), seen, max(seen + row.delta, 0), item.base_unit))
    if row.delta and seen + row.delta < 0:
        changes.append(Change("Shortage", 0, -(seen + row.delta), item.base_unit))
    return ApprovalRequest(
        kind=ADJUSTMENT.name,
        key=str(row.id),
        title=f"{label} {item.sku} at {place.code}: {what} {state}",
        entity_id=row.entity_id,
        location_id=row.location_id,
        location=place.code,
        subject=f"item:{row.item_id}",
        quantity=row.delta,
        amount_minor=row.value_minor,
        currency=None if row.value_minor is None else currency,
        changes=tuple(changes),
        atp_before=available,
        atp_after=after,
        evidence=_evidence(row, item, place),
        payload={"adjustment": str(row.id), "seen": seen},
        reason=row.reason,
        note=row.note or None,
    )


def _evidence(row: Adjustment, item: ItemName, place: LocationName) -> tuple[Proof, ...]:
    proofs = [
        Proof("Request", item.name, f"/stock/adjustments/{row.id}"),
        Proof("Ledger", f"{item.sku} at {place.code}", item_page(item.sku, place.code, row.state)),
    ]
    if row.counted is not None:
        proofs.append(Proof("Counted again", f"{row.counted} found in all, by {row.recounted_by}"))
    return tuple(proofs)


def _anew(
    session: Session, rows: Sequence[Adjustment], there: Mapping[UUID, Mapping[str, int]]
) -> dict[UUID, ApprovalRequest | NotApplied]:
    """Return the same changes on the numbers of now. They are kept with the approvals, and with the rows once posted."""
    faults = {row.id: excess_of(row, [there[row.id][state] for state in STATES]) for row in rows}
    fit = [row for row in rows if faults[row.id] is None]
    requests = requests_of(session, fit, {row.id: there[row.id][row.state] for row in fit}) if fit else []
    refused = {id_: NotApplied(fault[1]) for id_, fault in faults.items() if fault is not None}
    return refused | {row.id: request for row, request in zip(fit, requests, strict=True)}


def _there(session: Session, rows: Sequence[Adjustment]) -> dict[UUID, Mapping[str, int]]:
    """Return the units by state that are at each row's place now."""
    found = {(one.item_id, one.location_id): one.states for one in _balances(session, rows)}
    return {row.id: found.get((row.item_id, row.location_id), NOTHING) for row in rows}


def _rows(session: Session, approvals: Sequence[Approval]) -> list[Adjustment]:
    ids = [UUID(approval.request.payload["adjustment"]) for approval in approvals]
    found = {row.id: row for row in session.scalars(select(Adjustment).where(Adjustment.id.in_(ids)))}
    return [found[id_] for id_ in ids]


def _balances(session: Session, rows: Sequence[Adjustment]) -> list[BalanceRow]:
    entities, items, places = ({getattr(row, name) for row in rows} for name in ("entity_id", "item_id", "location_id"))
    return balances(
        session, sorted(entities), item_ids=sorted(items), location_ids=sorted(places), limit=len(items) * len(places)
    )


def revise(
    session: Session, wishes: Sequence[tuple[Approval, Amendment]], *, now: datetime
) -> Sequence[ApprovalRequest | NotApplied]:
    """Take other units (for a markdown another value), another reason or another place, on the numbers of now there."""
    rows = _rows(session, [approval for approval, _ in wishes])
    pairs = list(zip(rows, [wish for _, wish in wishes], strict=True))
    known = locations_by_code(session, {wish.location for _, wish in pairs if wish.location is not None})
    places = [None if wish.location is None else known.get(wish.location) for _, wish in pairs]
    at = [row.location_id if place is None else place.id for (row, _), place in zip(pairs, places, strict=True)]
    where = places_of(session, [(row.entity_id, row.item_id, here) for row, here in zip(rows, at, strict=True)])
    worth = values_of(session, [wish.quantity or row.delta for row, wish in pairs], where, now)
    recounts = recount_from(session, where, now)
    bad = check(session, [(wish.reason or row.reason, row.kind) for row, wish in pairs])
    faults = [
        (None if wish.reason is None or reason is None else reason.detail)
        or _unplaced(wish, place)
        or _unrevisable(row, wish, recount)
        for (row, wish), reason, place, recount in zip(pairs, bad, places, recounts, strict=True)
    ]
    for (row, wish), fault, location_id, value in zip(pairs, faults, at, worth, strict=True):
        if fault is not None:
            continue
        row.reason, row.location_id = wish.reason or row.reason, location_id
        if row.kind == "markdown":
            row.value_minor = wish.amount_minor or row.value_minor
        else:
            row.delta, row.value_minor = wish.quantity or row.delta, value
    revised = [row for row, fault in zip(rows, faults, strict=True) if fault is None]
    anew = _anew(session, revised, _there(session, revised))
    return [
        _noted(anew[row.id], approval, wish) if fault is None else NotApplied(fault)
        for row, (approval, wish), fault in zip(rows, wishes, faults, strict=True)
    ]


def _noted(anew: ApprovalRequest | NotApplied, approval: Approval, wish: Amendment) -> ApprovalRequest | NotApplied:
    note = approval.request.note if wish.note is None else wish.note or None
    return anew if isinstance(anew, NotApplied) else replace(anew, note=note)


def _unplaced(wish: Amendment, place: Location | None) -> str | None:
    if wish.location is None or (place is not None and place.active):
        return None
    return f"there is no location {wish.location} to ask for it at: name another"


def _unrevisable(row: Adjustment, wish: Amendment, recount: int) -> str | None:
    """Say why a request cannot become what is wanted."""
    delta = row.delta if wish.quantity is None else wish.quantity
    is_elsewhere = wish.quantity is not None or wish.location is not None
    if row.status != "waiting":
        return f"it is {row.status} already: ask anew"
    if row.position is not None:
        return "the units are those of a second count: withdraw it, and ask anew for what is true now"
    if row.kind == "markdown":
        fits = wish.amount_minor != 0 and wish.quantity is None
        return None if fits else "a markdown changes value and no units: give an amount"
    if wish.amount_minor is not None or not delta:
        return "its value follows from its units: give a number of units that is not 0"
    if row.kind == "write_off" and delta > 0:
        return "a write-off takes units away: give a number below 0"
    if is_elsewhere and row.kind == "adjustment" and row.state == "available" and 0 < recount <= abs(delta):
        return f"{recount} units and more are counted again first: withdraw it, and ask anew"
    return None


ADJUSTMENT = ApprovalKind(
    "stock.adjustment",
    "Stock adjustment",
    permission="stock.approve",
    apply=apply,
    recheck=recheck,
    revise=revise,
    asks="stock.work",
    tiers=(
        ApprovalTier("store_manager", tier=1),
        ApprovalTier("governance", tier=2, quantity_from=200, amount_from_minor=200_000),
    ),
)
