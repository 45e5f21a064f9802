"""Amounts as people type them: 499.50, 499,50, 1 250.00 or 1.250,00."""

import re
from decimal import Decimal

from babel.numbers import get_currency_precision

__all__ = ["minor_units"]

MINOR_MAX = 10**18
# Digits with or without groups of three, then at most one decimal point or comma, which is not what parts the groups.
WRITTEN = re.compile(
    r"(?P<whole>[0-9]+|[0-9]{1,3}(?:(?P<group>[ .,'])[0-9]{3})(?:(?P=group)[0-9]{3})*)(?:[.,](?P<part>[0-9]+))?\Z"
)
SPACES = str.maketrans("\u00a0\u202f\u2009\u2019", "   '")


def minor_units(text: str, currency: str) -> int | None:
    """Return an amount in minor units of its currency; None for what is no amount, is below zero, or is ambiguous.

    `1,250` is none in a currency of cents: three digits are no cents, and whoever means a thousand can say 1250.
    """
    found = WRITTEN.match(text.strip().translate(SPACES))
    places = get_currency_precision(currency)
    if found is None or len(part := found["part"] or "") > places:
        return None
    if part and found.string[found.start("part") - 1] == found["group"]:
        return None
    minor = Decimal(re.sub(r"[^0-9]", "", found["whole"]) + part).scaleb(places - len(part))
    return int(minor) if minor <= MINOR_MAX else None
