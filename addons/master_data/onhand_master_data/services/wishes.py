"""Changes as JSON keeps them, and what they make different, as people read it."""

from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import Any

from onhand.approvals.api import Change

from onhand_master_data.services.item_rules import Wanted
from onhand_master_data.values import (
    KEEP,
    Barcode,
    Item,
    ItemChange,
    ItemDraft,
    ItemMerge,
    Location,
    LocationChange,
    Pack,
    Unit,
    UnitChange,
)

__all__ = [
    "CLASSES",
    "FIELDS",
    "class_of",
    "differences_of_item",
    "differences_of_place",
    "fields_of",
    "read",
    "written",
]

CLASSES = {
    "pack": "Pack factors",
    "barcode": "Barcodes",
    "item": "Items",
    "location": "Locations",
    "unit": "Units",
}
"""What has an owner of its own, the gravest first: a request that touches several is one of the first."""
FIELDS = {
    "pack": (),
    "barcode": (),
    "item": (
        ("sku", "SKU"),
        ("name", "Name"),
        ("category", "Category"),
        ("active", "Active"),
        ("survivor", "Merged into"),
    ),
    "location": (
        ("name", "Name"),
        ("kind", "Kind"),
        ("gln", "GLN"),
        ("time_zone", "Time zone"),
        ("active", "Active"),
    ),
    "unit": (),
}
"""The fields of each class that may have owners of their own. Who stocks an item is each entity's own."""
LABELS = {name: label for owned in FIELDS.values() for name, label in owned}
Any_ = ItemChange | ItemDraft | ItemMerge | LocationChange | UnitChange


def written(wish: Any_) -> dict[str, Any]:
    """Return a wish as JSON: only what shall change."""
    found: dict[str, Any] = {"new": True} if isinstance(wish, ItemDraft) else {}
    if isinstance(wish, ItemMerge):
        found["merge"] = True
    for field in fields(wish):
        value = getattr(wish, field.name)
        if value is KEEP:
            continue
        if field.name == "packs":
            value = [[pack.unit, pack.numerator, pack.denominator] for pack in value]
        elif field.name == "barcodes":
            value = [[barcode.gtin, barcode.unit] for barcode in value]
        elif isinstance(value, tuple):
            value = list(value)
        found[field.name] = value
    return found


def read(subject: str, document: dict[str, Any]) -> Any_:
    """Return the wish that was written."""
    given = dict(document)
    if subject == "location":
        return LocationChange(**given)
    if subject == "unit":
        return UnitChange(**given)
    if given.pop("merge", False):
        return ItemMerge(**given)
    if "packs" in given:
        given["packs"] = tuple(Pack(*pack) for pack in given["packs"])
    if "barcodes" in given:
        given["barcodes"] = tuple(Barcode(*barcode) for barcode in given["barcodes"])
    if "entities" in given:
        given["entities"] = tuple(given["entities"])
    return ItemDraft(**given) if given.pop("new", False) else ItemChange(**given)


def differences_of_item(want: Wanted) -> Iterator[tuple[str, Change]]:
    """Return what changes of an item with an owner: the class or the field that it is, and before and after."""
    before = want.before
    if before is None:
        yield "item", Change(f"{want.sku}: new item", None, want.name)
        return
    for name, _ in FIELDS["item"]:
        old, new = getattr(before, name), getattr(want, name)
        if old != new:
            yield f"item.{name}", Change(f"{before.sku}: {_label(name)}", _shown(old), _shown(new))
    if before.entities != want.entities:
        yield "item", Change(f"{before.sku}: stocked by", _shown(before.entities), _shown(want.entities))
    yield from _packs(before, want)
    old_codes, new_codes = ({(one.gtin, one.unit) for one in of.barcodes} for of in (before, want))
    for gtin, unit in sorted(old_codes | new_codes, key=str):
        was, is_ = (gtin, unit) in old_codes, (gtin, unit) in new_codes
        if was != is_:
            text = gtin if unit is None else f"{gtin} on {unit}"
            yield "barcode", Change(f"{before.sku}: GTIN", text if was else None, text if is_ else None)


def differences_of_place(before: Location | Unit, after: Location | Unit) -> Iterator[tuple[str, Change]]:
    """Return what changes of a location or a unit."""
    kind = "location" if isinstance(before, Location) else "unit"
    for field in fields(before):
        old, new = getattr(before, field.name), getattr(after, field.name)
        if old != new:
            owned = field.name in dict(FIELDS[kind])
            yield (
                f"{kind}.{field.name}" if owned else kind,
                Change(f"{before.code}: {_label(field.name)}", _shown(old), _shown(new)),
            )


def class_of(found: Sequence[tuple[str, Change]]) -> str:
    """Return the class of the gravest thing that changes."""
    touched = {name.partition(".")[0] for name, _ in found}
    return next(kind for kind in CLASSES if kind in touched)


def fields_of(found: Sequence[tuple[str, Change]]) -> tuple[str, ...]:
    """Return what changes, as approvals name it: whoever owns any of it must agree."""
    return tuple(sorted({f"master_data.{name}" for name, _ in found}))


def _packs(before: Item, want: Wanted) -> Iterator[tuple[str, Change]]:
    old = {pack.unit: pack for pack in before.packs}
    new = {pack.unit: pack for pack in want.packs}
    for unit in sorted(old.keys() | new.keys()):
        if old.get(unit) != new.get(unit):
            yield (
                "pack",
                Change(
                    f"{before.sku}: one {unit} holds", _holds(old.get(unit)), _holds(new.get(unit)), before.base_unit
                ),
            )


def _holds(pack: Pack | None) -> str | int | None:
    if pack is None:
        return None
    return pack.numerator if pack.denominator == 1 else f"{pack.numerator}/{pack.denominator}"


def _label(name: str) -> str:
    label = LABELS.get(name, name.replace("_", " "))
    return label if label[:2].isupper() else label[:1].lower() + label[1:]


def _shown(value: object) -> str | None:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ", ".join(value) or None
    return None if value is None else str(value)
