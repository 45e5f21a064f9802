"""Merge duplicates: one item is retired, and what led to it leads to the one that takes its place."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from onhand.transaction import context
from sqlalchemy.orm import Session

from onhand_master_data import queries
from onhand_master_data.refusals import FieldError, Refused
from onhand_master_data.values import Item, ItemChange, ItemMerge, Use

__all__ = ["merged"]


def merged(session: Session, merges: Sequence[ItemMerge], *, now: datetime) -> list[ItemChange]:
    """Return what merges make of items now: each loser is retired, its barcodes and packs go to its survivor.

    The ledger is not touched, and no unit moves: Refused while anything of a loser is still there or open, as far as this
    transaction reaches, and where the two do not fit. Writes nothing.
    """
    known = queries.items_by_sku(session, [sku for one in merges for sku in (one.sku, one.survivor)])
    errors = [error for index, one in enumerate(merges) for error in _unknown(index, one, known)]
    if not errors:
        errors = [
            error
            for index, one in enumerate(merges)
            for error in _misfits(index, one, known, {each.sku for each in merges})
        ]
    if not errors:
        errors = list(_open(session, merges, known, now))
    if errors:
        raise Refused(errors)
    changes = [ItemChange(one.sku, active=False, barcodes=(), survivor=one.survivor) for one in merges]
    for sku in dict.fromkeys(one.survivor for one in merges):
        survivor, losers = known[sku], [known[one.sku] for one in merges if one.survivor == sku]
        packs = {pack.unit: pack for item in (*losers, survivor) for pack in item.packs}
        codes = dict.fromkeys(code for item in (survivor, *losers) for code in item.barcodes)
        entities = tuple(sorted({code for item in (survivor, *losers) for code in item.entities}))
        changes.append(ItemChange(sku, packs=tuple(packs.values()), barcodes=tuple(codes), entities=entities))
    return changes


def _unknown(index: int, one: ItemMerge, known: Mapping[str, Item]) -> Iterator[FieldError]:
    for field, sku in (("sku", one.sku), ("survivor", one.survivor)):
        if sku not in known:
            yield FieldError(index, field, "there is no such item", sku)


def _misfits(index: int, one: ItemMerge, known: Mapping[str, Item], losers: set[str]) -> Iterator[FieldError]:
    loser, survivor = known[one.sku], known[one.survivor]

    def fault(message: str) -> FieldError:
        return FieldError(index, "survivor", message, survivor.sku)

    if loser.sku == survivor.sku:
        yield fault("an item cannot take its own place: name another")
    elif survivor.sku in losers:
        yield fault("it is to be merged itself: name the one that remains in the end")
    if loser.survivor is not None:
        yield FieldError(index, "sku", f"it was merged into {loser.survivor} already", loser.sku)
    if not survivor.active:
        yield fault("it is inactive: make it active first, or keep the other one")
    if loser.base_unit != survivor.base_unit:
        yield fault(f"it is counted in {survivor.base_unit}, {loser.sku} in {loser.base_unit}: these do not add up")
    packs = {pack.unit: pack for pack in survivor.packs}
    for pack in loser.packs:
        if packs.get(pack.unit, pack) != pack:
            yield fault(f"one {pack.unit} of it does not hold what one of {loser.sku} holds: make them agree first")
    missing = sorted(set(loser.entities) - set(survivor.entities))
    if missing and not one.stock_survivor:
        yield fault(
            f"{', '.join(missing)} would no longer stock it: ask for {survivor.sku} to be stocked there by the same change"
        )


def _open(
    session: Session, merges: Sequence[ItemMerge], known: Mapping[str, Item], now: datetime
) -> Iterator[FieldError]:
    losers = {known[one.sku].id: (index, one.sku) for index, one in enumerate(merges)}
    addons, codes = context(session).addons, {id_: code for code, id_ in queries.ids_by_entity(session).items()}
    for entity_id in context(session).entities:
        found: list[Use] = addons.gather_for(
            "item_obligations", entity_id, now, session=session, item_ids=sorted(losers)
        )
        for use in found:
            index, sku = losers[use.id]
            message = f"{codes[entity_id]} still has {use.quantity} {use.label}: let that run out or move it first"
            yield FieldError(index, "sku", message, sku)
