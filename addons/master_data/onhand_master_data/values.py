"""Frozen data of this add-on: what verbs take and give, and what other add-ons see of items and locations."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from fractions import Fraction
from typing import Final, Literal

__all__ = [
    "KEEP", "KINDS", "Barcode", "Category", "EntityName", "Item", "ItemChange", "ItemDraft", "ItemMerge", "ItemName", "ItemRef", "Keep",
    "Location", "LocationChange", "LocationDraft", "LocationName", "LocationRef", "Pack", "Unit", "UnitChange", "Use",
    "Violation",
]  # fmt: skip

KINDS: Final = ("store", "distribution_centre", "hub", "drop_ship", "third_party_warehouse")


class Keep(Enum):
    """The value of a field that a change leaves as it is, where None would empty it."""

    KEEP = "keep"


KEEP: Final = Keep.KEEP


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of measure. Units of one dimension convert by definition, save packages, which items define."""

    code: str
    name: str
    dimension: str


@dataclass(frozen=True, slots=True)
class Pack:
    """One `unit` of the item holds numerator/denominator base units, exactly."""

    unit: str
    numerator: int
    denominator: int = 1


@dataclass(frozen=True, slots=True)
class Barcode:
    """A GTIN on the item, or on one of its packs when `unit` names it."""

    gtin: str
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class Category:
    """A node of the group's category tree; `parent` is a code."""

    code: str
    name: str
    parent: str | None = None


@dataclass(frozen=True, slots=True)
class ItemDraft:
    """An item to create. `entities` are the codes of those that stock it."""

    sku: str
    name: str
    base_unit: str = "EA"
    category: str | None = None
    entities: tuple[str, ...] = ()
    packs: tuple[Pack, ...] = ()
    barcodes: tuple[Barcode, ...] = ()


@dataclass(frozen=True, slots=True)
class ItemChange:
    """What shall become of the item named by `sku`; lists replace what was there. The base unit never changes.

    `survivor` is the SKU of the item that takes its place; one that is made active again leads to itself again.
    """

    sku: str
    new_sku: str | Keep = KEEP
    name: str | Keep = KEEP
    category: str | Keep | None = KEEP
    active: bool | Keep = KEEP
    entities: tuple[str, ...] | Keep = KEEP
    packs: tuple[Pack, ...] | Keep = KEEP
    barcodes: tuple[Barcode, ...] | Keep = KEEP
    survivor: str | Keep | None = KEEP


@dataclass(frozen=True, slots=True)
class ItemMerge:
    """The item named by `sku` is the same as the one named by `survivor`, which shall take its place.

    `stock_survivor`: whoever stocks the one stocks the other from then on; else both must be stocked by them already.
    """

    sku: str
    survivor: str
    stock_survivor: bool = False


@dataclass(frozen=True, slots=True)
class Item:
    """An item as it stands, whole. `category` and `entities` are codes; lists are sorted; `survivor` is a SKU."""

    id: int
    sku: str
    name: str
    base_unit: str
    category: str | None
    active: bool
    entities: tuple[str, ...]
    packs: tuple[Pack, ...]
    barcodes: tuple[Barcode, ...]
    survivor: str | None = None


@dataclass(frozen=True, slots=True)
class ItemName:
    """What a page or a report calls an item."""

    id: int
    sku: str
    name: str
    base_unit: str


@dataclass(frozen=True, slots=True)
class ItemRef:
    """What the hot path needs of an item that a code named.

    `unit` is what one of the code is: the base unit for a SKU, the pack for a GTIN on a pack. `factors` has the packs
    whose factor changed after first use: what one held from when on, None where it was no pack.
    """

    id: int
    sku: str
    base_unit: str
    entity_ids: tuple[int, ...]
    unit: str
    category_id: int | None = None
    packs: Mapping[str, Fraction] = field(default_factory=dict, hash=False)
    factors: Mapping[str, tuple[tuple[datetime, Fraction | None], ...]] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class LocationDraft:
    """A location to create. `entity` is the code of its owner, for good; without a time zone it has its owner's."""

    code: str
    name: str
    entity: str
    kind: str = "store"
    gln: str | None = None
    time_zone: str | None = None


@dataclass(frozen=True, slots=True)
class LocationChange:
    """What shall become of the location named by `code`. Its code and its entity never change."""

    code: str
    name: str | Keep = KEEP
    kind: str | Keep = KEEP
    gln: str | Keep | None = KEEP
    time_zone: str | Keep = KEEP
    active: bool | Keep = KEEP


@dataclass(frozen=True, slots=True)
class Location:
    """A location as it stands, whole. `entity` is a code."""

    id: int
    code: str
    name: str
    kind: str
    gln: str | None
    entity: str
    time_zone: str
    active: bool


@dataclass(frozen=True, slots=True)
class LocationName:
    """What a page or a report calls a location."""

    id: int
    code: str
    name: str
    kind: str
    entity_id: int


@dataclass(frozen=True, slots=True)
class LocationRef:
    """What the hot path needs of a location that a code named."""

    id: int
    code: str
    entity_id: int
    kind: str
    time_zone: str


@dataclass(frozen=True, slots=True)
class EntityName:
    """What a page calls an entity, and the time zone it lives in."""

    id: int
    code: str
    name: str
    time_zone: str


@dataclass(frozen=True, slots=True)
class Violation:
    """A write by a system that is not authoritative: who wrote what, and who is (None: whoever is by now)."""

    domain: str
    entity_id: int
    system: str
    actor: str
    subject: str
    authority: str | None = None


@dataclass(frozen=True, slots=True)
class UnitChange:
    """What shall become of the unit named by `code`."""

    code: str
    name: str | Keep = KEEP


@dataclass(frozen=True, slots=True)
class Use:
    """Something that an entity does with an item or a location already: units of it, and the page that shows them."""

    subject: Literal["item", "location"]
    id: int
    entity_id: int
    label: str
    quantity: int
    href: str | None = None
