"""The world's master data as CSV, in the columns that `onhand import` reads."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterable, Iterator, Sequence

from onhand_demo.world import World

ROWS_PER_FILE = 5_000


def locations(world: World) -> bytes:
    """Every store and distribution centre but the unlisted one."""
    header = ("code", "name", "kind", "entity", "time_zone")
    return _sheet(
        header,
        ((each.code, each.name, each.kind, each.entity.code, each.entity.time_zone) for each in world.locations),
    )


def categories(world: World) -> bytes:
    """Departments, and the categories in them."""
    return _sheet(("code", "name", "parent"), ((each.code, each.name, each.parent or "") for each in world.categories))


def items(world: World, products: Collection[int]) -> Iterator[bytes]:
    """These products as items, in files of a size that one import takes."""
    header = ("sku", "name", "base_unit", "category", "entities", "gtin")
    chosen = [world.items[product_id] for product_id in sorted(products)]
    for first in range(0, len(chosen), ROWS_PER_FILE):
        some = chosen[first : first + ROWS_PER_FILE]
        yield _sheet(
            header,
            ((each.sku, each.name, "EA", each.category, "|".join(each.entities), each.gtin) for each in some),
        )


def channels(world: World) -> bytes:
    """Every channel, with its locations in the order of choice."""
    header = ("code", "name", "kind", "entity", "locations")
    return _sheet(
        header,
        (
            (each.code, each.name, each.kind, each.entity.code, "|".join(each.locations))
            for each in world.channels.values()
        ),
    )


def _sheet(header: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode()
