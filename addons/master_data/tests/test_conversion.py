"""Quantities come out whole and exact, or are refused."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from onhand_master_data.conversion import (
    FACTOR_MAX,
    QUANTITY_MAX,
    ConversionRefused,
    NotWhole,
    TooLarge,
    UnknownUnit,
    parse_pack,
    to_base_quantity,
)
from onhand_master_data.units import UNITS, canonical, standard_factor
from onhand_master_data.values import ItemRef, Pack

factors = st.fractions(min_value=Fraction(1, 1000), max_value=1000, max_denominator=1000)
quantities = st.integers(-(10**6), 10**6)
DIMENSIONS = {unit.code: unit.dimension for unit in UNITS if unit.dimension != "package"}
measures = st.sampled_from(sorted(DIMENSIONS))


def of_dimension(code: str, *, alike: bool) -> list[str]:
    return sorted(other for other, dimension in DIMENSIONS.items() if (dimension == DIMENSIONS[code]) is alike)


def item(base: str = "EA", unit: str | None = None, **packs: Fraction | int) -> ItemRef:
    return ItemRef(1, "SKU", base, (1,), unit or base, None, {code: Fraction(factor) for code, factor in packs.items()})


@given(quantities, factors)
def test_a_pack_comes_out_exact_or_is_refused(quantity: int, factor: Fraction) -> None:
    exact = quantity * factor
    if exact.denominator == 1:
        assert to_base_quantity(item(CS=factor), quantity, "CS") == exact
    else:
        with pytest.raises(NotWhole):
            to_base_quantity(item(CS=factor), quantity, "CS")


@given(quantities, quantities, factors)
def test_what_is_counted_apart_adds_up(one: int, other: int, factor: Fraction) -> None:
    known = item(CS=factor)
    try:
        apart = to_base_quantity(known, one, "CS") + to_base_quantity(known, other, "CS")
    except ConversionRefused:
        return
    assert to_base_quantity(known, one + other, "CS") == apart


@given(st.decimals(allow_nan=True, allow_infinity=True), st.sampled_from(["GRM", "KGM", "LBR", "CS", None]))
def test_any_decimal_is_converted_exactly_or_refused(quantity: Decimal, unit: str | None) -> None:
    known = item("GRM", CS=Fraction(7, 3))
    try:
        grams = to_base_quantity(known, quantity, unit)
    except ConversionRefused:
        return
    factor = {"GRM": Fraction(1), None: Fraction(1), "CS": Fraction(7, 3)}.get(unit) or standard_factor(
        unit or "", "GRM"
    )
    assert factor is not None
    assert Fraction(quantity) * factor == grams


@given(measures.flatmap(lambda one: st.tuples(st.just(one), st.sampled_from(of_dimension(one, alike=True)))))
def test_units_of_one_dimension_convert_there_and_back(pair: tuple[str, str]) -> None:
    one, other = pair
    there, back = standard_factor(one, other), standard_factor(other, one)
    assert there is not None
    assert back is not None
    assert there * back == 1


@given(measures.flatmap(lambda one: st.tuples(st.just(one), st.sampled_from(of_dimension(one, alike=False)))))
def test_units_of_two_dimensions_do_not_convert(pair: tuple[str, str]) -> None:
    assert standard_factor(*pair) is None


def test_known_conversions() -> None:
    assert to_base_quantity(item("GRM"), 2, "KGM") == 2000
    assert to_base_quantity(item("GRM"), Decimal("0.250"), "KGM") == 250
    assert to_base_quantity(item("EA"), 3, "DZN") == 36
    assert to_base_quantity(item("MLT"), Decimal("1.5"), "LTR") == 1500
    assert to_base_quantity(item("EA", CS=12), -2, "XCS") == -24


def test_without_a_unit_the_code_decides_what_is_counted() -> None:
    assert to_base_quantity(item("EA", CS=12), 2) == 2
    assert to_base_quantity(item("EA", unit="CS", CS=12), 2) == 24


def test_what_cannot_be_converted_says_why() -> None:
    with pytest.raises(UnknownUnit, match="knows EA, CS"):
        to_base_quantity(item("EA", CS=12), 1, "KGM")
    with pytest.raises(NotWhole):
        to_base_quantity(item("EA"), Decimal("0.5"))
    for huge in (QUANTITY_MAX + 1, Decimal("1E+999999"), Decimal("Infinity")):
        with pytest.raises(ConversionRefused):
            to_base_quantity(item("EA"), huge)
    with pytest.raises(NotWhole):
        to_base_quantity(item("EA"), Decimal("1E-999999"))
    with pytest.raises(TooLarge):
        to_base_quantity(item("EA", CS=FACTOR_MAX), QUANTITY_MAX, "CS")
    with pytest.raises(TypeError):
        to_base_quantity(item("EA"), 0.5)  # type: ignore[arg-type]


def test_packs_are_read_as_people_write_them() -> None:
    assert parse_pack("CS=12") == Pack("CS", 12)
    assert parse_pack(" XCS=12/5 ") == Pack("CS", 12, 5)
    for wrong in ("CS", "CS=", "CS=1.5", "CS=-1", "cs=1", "=1", "CS=1/", "CS=٣"):
        with pytest.raises(ValueError, match="a pack reads"):
            parse_pack(wrong)


def test_unit_codes_are_unique_and_packages_have_one_spelling() -> None:
    codes = [unit.code for unit in UNITS]
    assert len(codes) == len(set(codes))
    assert all(canonical(code) == code for code in codes)
    assert canonical("XPX") == "PX"
    assert canonical("XYZ") == "XYZ"
