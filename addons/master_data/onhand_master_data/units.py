"""Units of measure: a subset of UN/ECE Recommendation 20, and package codes of Recommendation 21.

Units of one dimension convert by definition. A package holds what the item says it holds. The table
`master_data.unit` mirrors this list, so that SQL can check it, and adds the packages a site names itself.
"""

from fractions import Fraction

from onhand_master_data.values import Unit

__all__ = ["DIMENSIONS", "PACKAGE", "UNITS", "canonical", "standard_factor"]

PACKAGE = "package"
DIMENSIONS = ("count", "mass", "volume", "length", "area", PACKAGE)

# Per dimension: code, name, and how many of the dimension's first unit it is (exact by definition; pounds and inches
# as fixed by the international agreement of 1959, US gallons as 231 cubic inches).
_MEASURES: dict[str, tuple[tuple[str, str, Fraction], ...]] = {
    "count": (
        ("EA", "each", Fraction(1)),
        ("H87", "piece", Fraction(1)),
        ("C62", "one", Fraction(1)),
        ("PR", "pair", Fraction(2)),
        ("DZN", "dozen", Fraction(12)),
        ("CEN", "hundred", Fraction(100)),
        ("GRO", "gross", Fraction(144)),
        ("MIL", "thousand", Fraction(1000)),
    ),
    "mass": (
        ("GRM", "gram", Fraction(1)),
        ("MGM", "milligram", Fraction(1, 1000)),
        ("KGM", "kilogram", Fraction(1000)),
        ("TNE", "tonne", Fraction(1_000_000)),
        ("LBR", "pound", Fraction(45_359_237, 100_000)),
        ("ONZ", "ounce (avoirdupois)", Fraction(45_359_237, 1_600_000)),
    ),
    "volume": (
        ("MLT", "millilitre", Fraction(1)),
        ("CLT", "centilitre", Fraction(10)),
        ("DLT", "decilitre", Fraction(100)),
        ("LTR", "litre", Fraction(1000)),
        ("HLT", "hectolitre", Fraction(100_000)),
        ("MTQ", "cubic metre", Fraction(1_000_000)),
        ("GLL", "gallon (US)", Fraction(3_785_411_784, 1_000_000)),
        ("QTL", "liquid quart (US)", Fraction(3_785_411_784, 4_000_000)),
        ("PTL", "liquid pint (US)", Fraction(3_785_411_784, 8_000_000)),
        ("OZA", "fluid ounce (US)", Fraction(3_785_411_784, 128_000_000)),
    ),
    "length": (
        ("MMT", "millimetre", Fraction(1)),
        ("CMT", "centimetre", Fraction(10)),
        ("MTR", "metre", Fraction(1000)),
        ("INH", "inch", Fraction(254, 10)),
        ("FOT", "foot", Fraction(3048, 10)),
        ("YRD", "yard", Fraction(9144, 10)),
    ),
    "area": (
        ("CMK", "square centimetre", Fraction(1)),
        ("MTK", "square metre", Fraction(10_000)),
    ),
}
_PACKAGES = (
    ("BA", "barrel"),
    ("BE", "bundle"),
    ("BG", "bag"),
    ("BX", "box"),
    ("CR", "crate"),
    ("CS", "case"),
    ("CT", "carton"),
    ("DR", "drum"),
    ("PA", "packet"),
    ("PK", "package"),
    ("PU", "tray"),
    ("PX", "pallet"),
    ("RO", "roll"),
    ("SX", "set"),
)

UNITS: tuple[Unit, ...] = (
    *(Unit(code, name, dimension) for dimension, row in _MEASURES.items() for code, name, _ in row),
    *(Unit(code, name, PACKAGE) for code, name in _PACKAGES),
)
_MEASURE = {code: (dimension, factor) for dimension, row in _MEASURES.items() for code, _, factor in row}
_PACKAGE_CODES = frozenset(code for code, _ in _PACKAGES)


def canonical(code: str) -> str:
    """Return a package code without the X that Recommendation 20 puts before it (`XCS` is `CS`); others as they are."""
    return code[1:] if code[:1] == "X" and code[1:] in _PACKAGE_CODES else code


def standard_factor(unit: str, base: str) -> Fraction | None:
    """Return how many `base` one `unit` is by definition, or None where no definition says so."""
    one, other = _MEASURE.get(unit), _MEASURE.get(base)
    if one is None or other is None or one[0] != other[0]:
        return None
    return one[1] / other[1]
