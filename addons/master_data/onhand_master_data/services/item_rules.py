"""What an item must satisfy before it is written, judged for a whole list at once."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from fractions import Fraction
from functools import partial
from typing import TypeVar

from onhand.db import cursor
from onhand.transaction import context
from sqlalchemy.orm import Session

from onhand_master_data import queries
from onhand_master_data.conversion import FACTOR_MAX
from onhand_master_data.gs1 import NotAGs1Key, gtin14
from onhand_master_data.refusals import FieldError
from onhand_master_data.rules import bad_code, bad_name
from onhand_master_data.services.rule_settings import broken_by, known_rules, settings
from onhand_master_data.units import PACKAGE, canonical, standard_factor
from onhand_master_data.values import Barcode, Category, Item, ItemChange, ItemDraft, Keep, Pack, Unit

__all__ = ["Wanted", "faults", "kept", "wanted_of"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Wanted:
    """How the list's `index`-th item shall stand; `before` is how it stands, None for a new one."""

    index: int
    before: Item | None
    sku: str
    name: str
    base_unit: str
    category: str | None
    active: bool
    entities: tuple[str, ...]
    packs: tuple[Pack, ...]
    barcodes: tuple[Barcode, ...]
    survivor: str | None = None

    def as_item(self, item_id: int) -> Item:
        """Return the item as it shall stand."""
        return Item(
            item_id, self.sku, self.name, self.base_unit, self.category, self.active, self.entities, self.packs,
            self.barcodes, self.survivor,
        )  # fmt: skip


def wanted_of(index: int, row: ItemDraft | ItemChange, before: Item | None) -> Wanted:
    """Return the item that a draft describes, or that a change makes of what it was, in normal form."""
    if isinstance(row, ItemDraft):
        sku, name, category, active = row.sku, row.name, row.category, True
        entities, packs, barcodes, base_unit, survivor = row.entities, row.packs, row.barcodes, row.base_unit, None
    else:
        assert before is not None  # noqa: S101 - the caller refuses changes of unknown items
        sku, name = kept(row.new_sku, before.sku), kept(row.name, before.name)
        category, active = kept(row.category, before.category), kept(row.active, before.active)
        entities, packs = kept(row.entities, before.entities), kept(row.packs, before.packs)
        barcodes, base_unit = kept(row.barcodes, before.barcodes), before.base_unit
        survivor = None if active else kept(row.survivor, before.survivor)
    return Wanted(
        index=index,
        before=before,
        sku=sku.strip(),
        name=name.strip(),
        base_unit=canonical(base_unit),
        category=category or None,
        active=active,
        entities=tuple(sorted(set(entities))),
        packs=tuple(sorted((_reduced(pack) for pack in packs), key=lambda pack: pack.unit)),
        barcodes=tuple(sorted((_normal(code, base_unit) for code in barcodes), key=lambda code: code.gtin)),
        survivor=survivor,
    )


def kept(value: T | Keep, before: T) -> T:
    """Return the new value, or the one before where it is to be kept."""
    return before if isinstance(value, Keep) else value


def _reduced(pack: Pack) -> Pack:
    if pack.denominator < 1:
        return pack
    factor = Fraction(pack.numerator, pack.denominator)
    return Pack(canonical(pack.unit), factor.numerator, factor.denominator)


def _normal(barcode: Barcode, base_unit: str) -> Barcode:
    unit = None if barcode.unit in {None, "", base_unit} else canonical(barcode.unit or "")
    try:
        return Barcode(gtin14(barcode.gtin), unit)
    except NotAGs1Key:
        return Barcode(barcode.gtin, unit)


def faults(session: Session, wanted: Sequence[Wanted], *, now: datetime, is_decided: bool = False) -> list[FieldError]:
    """Return everything that keeps the list from being written, in at most six statements.

    `is_decided`: those whom it concerns agreed, within reach or beyond.
    """
    units = queries.units(session)
    categories = queries.categories(session)
    entities = queries.ids_by_entity(session)
    scope = set(context(session).entities)
    within = {code for code, entity_id in entities.items() if entity_id in scope}
    errors: list[FieldError] = []
    for want in wanted:
        errors += _own_faults(want, units)
        errors += _authority_faults(want, within, is_decided=is_decided)
        if want.category is not None and want.category not in categories:
            errors.append(FieldError(want.index, "category", "there is no such category", want.category))
    errors += _broken_rules(session, wanted, categories, entities, now)
    return [*errors, *_sku_clashes(session, wanted), *_gtin_clashes(session, wanted)]


def _broken_rules(
    session: Session,
    wanted: Sequence[Wanted],
    categories: dict[str, Category],
    entities: dict[str, int],
    now: datetime,
) -> Iterator[FieldError]:
    """What breaks a rule that blocks, and did not before: a save may leave a fault where it was, but brings none in."""
    held = [one for one in settings(session, now=now) if one.blocks]
    if not held:
        return
    known = known_rules(session)
    codes = {id_: code for code, id_ in entities.items()}
    judge = partial(broken_by, held=held, known=known, categories=categories, now=now, entity_codes=codes)
    for want in wanted:
        before = {one.rule for one in judge([want.before])} if want.before else set()
        for one in judge([want.as_item(0)] if want.active else []):
            if one.rule not in before:
                yield FieldError(want.index, one.field, f"{one.message} ({one.rule})", want.sku)


def _own_faults(want: Wanted, units: dict[str, Unit]) -> Iterator[FieldError]:
    if fault := bad_code(want.sku):
        yield FieldError(want.index, "sku", fault, want.sku)
    if fault := bad_name(want.name):
        yield FieldError(want.index, "name", fault, want.name)
    base = units.get(want.base_unit)
    if base is None:
        yield FieldError(want.index, "base_unit", "there is no such unit", want.base_unit)
    elif base.dimension == PACKAGE:
        yield FieldError(want.index, "base_unit", "a package is no base unit: it holds some", want.base_unit)
    for unit, count in Counter(pack.unit for pack in want.packs).items():
        if count > 1:
            yield FieldError(want.index, "packs", "the unit is given twice", unit)
    for pack in want.packs:
        if fault := _pack_fault(pack, want.base_unit, units):
            shown = f"{pack.unit}={pack.numerator}/{pack.denominator}"
            yield FieldError(want.index, "packs", fault, shown)
    pack_units = {pack.unit for pack in want.packs}
    for barcode in want.barcodes:
        try:
            gtin14(barcode.gtin)
        except NotAGs1Key as error:
            yield FieldError(want.index, "gtin", str(error), barcode.gtin)
        if barcode.unit is not None and barcode.unit not in pack_units:
            yield FieldError(want.index, "gtin", "its unit is not a pack of the item", barcode.unit)


def _pack_fault(pack: Pack, base_unit: str, units: dict[str, Unit]) -> str | None:
    if pack.unit not in units:
        return "there is no such unit"
    if pack.unit == base_unit:
        return "the base unit is no pack"
    if standard_factor(pack.unit, base_unit) is not None:
        return "this unit converts by definition, the item cannot redefine it"
    if not (1 <= pack.numerator <= FACTOR_MAX and 1 <= pack.denominator <= FACTOR_MAX):
        return f"numerator and denominator are whole numbers from 1 to {FACTOR_MAX}"
    return None


def _authority_faults(want: Wanted, within: set[str], *, is_decided: bool) -> Iterator[FieldError]:
    """What a transaction may not touch: another entity's range, and items that only others stock."""
    before = want.before
    if is_decided:
        return
    stocked = set(before.entities) if before else set()
    for code in sorted(set(want.entities) - stocked - within):
        yield FieldError(want.index, "entities", "there is no such entity within reach", code)
    for code in sorted(stocked - set(want.entities) - within):
        yield FieldError(want.index, "entities", "stocks it too and is beyond reach: keep it in the list", code)
    if before is None or not stocked or stocked & within:
        return
    if replace(want, entities=before.entities).as_item(before.id) != before:
        yield FieldError(want.index, "sku", "only entities beyond reach stock this item", before.sku)


def _sku_clashes(session: Session, wanted: Sequence[Wanted]) -> Iterator[FieldError]:
    new = [want for want in wanted if want.before is None or want.before.sku != want.sku]
    rows = cursor(session).execute(
        "SELECT sku FROM master_data.item WHERE sku = ANY(%s)", ([want.sku for want in new],)
    )
    taken = {row[0] for row in rows}
    counts = Counter(want.sku for want in wanted)
    for want in new:
        if want.sku in taken:
            yield FieldError(want.index, "sku", "there is such an item already", want.sku, conflict=True)
    for want in wanted:
        if counts[want.sku] > 1:
            yield FieldError(want.index, "sku", "given more than once here", want.sku)


def _gtin_clashes(session: Session, wanted: Sequence[Wanted]) -> Iterator[FieldError]:
    counts = Counter(barcode.gtin for want in wanted for barcode in want.barcodes)
    changing = {want.before.id for want in wanted if want.before}
    rows = cursor(session).execute(
        "SELECT b.gtin, i.sku, i.id FROM master_data.barcode b JOIN master_data.item i ON i.id = b.item_id"
        " WHERE b.gtin = ANY(%s)",
        (list(counts),),
    )
    elsewhere = {gtin: sku for gtin, sku, item_id in rows if item_id not in changing}
    for want in wanted:
        for gtin in dict.fromkeys(barcode.gtin for barcode in want.barcodes):
            if gtin in elsewhere:
                message = f"belongs to item {elsewhere[gtin]}"
                yield FieldError(want.index, "gtin", message, gtin, conflict=True)
            elif counts[gtin] > 1:
                yield FieldError(want.index, "gtin", "given more than once here", gtin)
