"""The retailer's nouns: entities, tills, locations, categories, items, channels."""

from __future__ import annotations

import re
from dataclasses import dataclass

from onhand_demo.gtin import restricted_gtin
from onhand_demo.journey import Product


@dataclass(frozen=True, slots=True)
class Entity:
    """A legal entity and the add-ons it has switched on."""

    code: str
    name: str
    addons: tuple[str, ...]
    currency: str = "USD"
    country: str = "US"
    time_zone: str = "America/New_York"


EAST = Entity(
    "EAST",
    "Journey Grocers East",
    ("master_data", "stock", "channels", "reservations", "exceptions", "demo"),
)
WEST = Entity(
    "WEST",
    "Journey Grocers West",
    ("master_data", "stock", "channels", "exceptions"),
    time_zone="America/Chicago",
)
"""West makes no promises: its orders ship from stock as facts, and `reservations` does nothing for it, nor are its marketplaces fed."""


@dataclass(frozen=True, slots=True)
class Till:
    """A point of sale and how long it usually sits on a sale before sending it."""

    code: str
    delay_s: float


@dataclass(frozen=True, slots=True)
class Location:
    """A store (with its tills and its habits of posting) or a distribution centre."""

    code: str
    name: str
    kind: str
    entity: Entity
    tills: tuple[Till, ...] = ()
    whole_baskets: bool = False
    scans: bool = False
    """its tills name products by bar code, not by SKU"""


@dataclass(frozen=True, slots=True)
class Category:
    """A department, or a category within the department `parent`."""

    code: str
    name: str
    parent: str | None = None

    @classmethod
    def of(cls, product: Product) -> tuple[Category, Category]:
        """A product's department, and its category in it: one category name may stand in several departments."""
        department = cls(_code(product.department), product.department.title())
        name = f"{product.department} - {product.category}"
        return department, cls(_code(name), product.category.title(), department.code)


@dataclass(frozen=True, slots=True)
class Item:
    """A real product as an item, stocked by the entities that sell it in the window."""

    sku: str
    gtin: str
    name: str
    category: str
    supplier: str
    entities: tuple[str, ...]

    @classmethod
    def of(cls, product: Product, entities: tuple[str, ...]) -> Item:
        """The item a product becomes."""
        return cls(
            sku=f"P{product.product_id}",
            gtin=restricted_gtin(product.product_id),
            name=f"{product.kind.title()} {product.size}".strip(),
            category=Category.of(product)[1].code,
            supplier=f"M{product.manufacturer_id}",
            entities=entities,
        )


@dataclass(frozen=True, slots=True)
class Channel:
    """Where demand comes from, and the locations that may serve it, first choice first. Events name it as source."""

    code: str
    name: str
    kind: str
    entity: Entity
    locations: tuple[str, ...]


def _code(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9 ._+#-]+", "-", name)[:64].strip(" -")
