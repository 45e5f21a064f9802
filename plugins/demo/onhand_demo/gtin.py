"""GTIN-13 for products whose real bar code is not published."""

from __future__ import annotations


def restricted_gtin(number: int) -> str:
    """A valid GTIN-13 in GS1's restricted-circulation range (prefix 20), which no real product carries.

    One number, one code: the number is kept as it is, so it must have at most ten digits.
    """
    if not 0 <= number < 10**10:
        raise ValueError(f"{number} does not fit into a restricted-circulation GTIN-13")
    body = f"20{number:010d}"
    return body + check_digit(body)


def check_digit(body: str) -> str:
    """The last digit by GS1 General Specifications 7.9: weights 3 and 1 from the right, to the next ten."""
    weighed = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(body)))
    return str(-weighed % 10)
