"""Quantities at the edge: from any unit an item knows to whole base units, exactly or not at all."""

import re
from bisect import bisect_right
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from operator import itemgetter

from onhand_master_data.units import canonical, standard_factor
from onhand_master_data.values import ItemRef, Pack

__all__ = [
    "FACTOR_MAX", "QUANTITY_MAX", "ConversionRefused", "NotWhole", "TooLarge", "UnknownUnit", "factor_of", "parse_pack",
    "to_base_quantity",
]  # fmt: skip

QUANTITY_MAX = 10**12  # base units in one line; sums of millions of lines still fit a bigint
FACTOR_MAX = 10**9
DECIMALS_MAX = 40  # judged before 1E-999999 is written out
_PACK = re.compile(r"([A-Z0-9]{1,8})=([0-9]{1,10})(?:/([0-9]{1,10}))?")


class ConversionRefused(ValueError):
    """The quantity does not come out as a whole number of base units; the message says why."""


class UnknownUnit(ConversionRefused):
    """The item knows no such unit."""


class NotWhole(ConversionRefused):
    """The quantity is not a whole number of base units."""


class TooLarge(ConversionRefused):
    """The quantity is beyond anything a shop could mean."""


def to_base_quantity(
    item: ItemRef, quantity: int | Decimal | Fraction, unit: str | None = None, *, at: datetime | None = None
) -> int:
    """Return the quantity in the item's base unit, exactly, keeping its sign; refuse what does not come out whole.

    A pack counts by the factor in force at `at`: when the fact occurred, for facts; without it, by the present one.
    Without a unit the quantity counts what the item's code stood for: base units for a SKU, packs for a pack's GTIN.
    """
    unit = item.unit if unit is None else canonical(unit)
    if unit == item.base_unit and type(quantity) is int:
        return _bounded(quantity)
    factor = factor_of(item, unit, at)
    if factor is None:
        known = ", ".join([item.base_unit, *item.packs])
        raise UnknownUnit(f"{item.sku} has no unit {unit!r}; it knows {known}")
    exact = _exact(quantity) * factor
    if exact.denominator != 1:
        raise NotWhole(f"{quantity} {unit} of {item.sku} is not a whole number of {item.base_unit}")
    return _bounded(exact.numerator)


def factor_of(item: ItemRef, unit: str, at: datetime | None = None) -> Fraction | None:
    """Return how many base units one `unit` of the item is, or was at a time; None if it knows, or knew, no such unit.

    Before the first factor that is known, that one holds: nothing was counted by another.
    """
    versions = item.factors.get(unit) if at is not None else None
    if versions and at is not None:
        return versions[max(bisect_right(versions, at, key=itemgetter(0)) - 1, 0)][1]
    return item.packs.get(unit) or standard_factor(unit, item.base_unit)


def parse_pack(text: str) -> Pack:
    """Read `CS=12`, or `CS=12/5` for twelve fifths; ValueError when it is neither."""
    match = _PACK.fullmatch(text.strip())
    if match is None:
        raise ValueError("a pack reads UNIT=12 or UNIT=12/5: the base units that one UNIT holds")
    unit, numerator, denominator = match.groups()
    return Pack(canonical(unit), int(numerator), int(denominator or 1))


def _exact(quantity: int | Decimal | Fraction) -> Fraction:
    if isinstance(quantity, float):  # 0.1 + 0.2 is not 0.3: who sends a float means a decimal
        raise TypeError("a quantity is an int, a Decimal or a Fraction, never a float")
    if isinstance(quantity, Decimal):
        if not quantity.is_finite():
            raise NotWhole(f"{quantity} is not a number")
        if quantity.adjusted() > 15:  # judged before 1E+999999 is written out
            raise TooLarge(f"{quantity} is more than {QUANTITY_MAX}")
        exponent = quantity.as_tuple().exponent
        if isinstance(exponent, int) and exponent < -DECIMALS_MAX:
            raise NotWhole(f"{quantity} has more than {DECIMALS_MAX} decimals")
    return Fraction(quantity)


def _bounded(quantity: int) -> int:
    if abs(quantity) > QUANTITY_MAX:
        raise TooLarge(f"{quantity} is more than {QUANTITY_MAX}")
    return quantity
