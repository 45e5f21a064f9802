"""How quantities, ages and moments read on a page. Plain functions; `install` makes them Jinja filters."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from babel.numbers import get_currency_precision

__all__ = ["age", "ago", "counted", "iso", "moment", "money", "quantity", "said", "sentence"]

GROUP = "\u202f"  # narrow no-break space: groups read as one number and never wrap
MINUS = "\u2212"  # as wide as a digit, unlike the hyphen
INSTANT = re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def quantity(value: int | Decimal, *, signed: bool = False) -> str:
    """Write a number with grouped digits; `signed` puts a plus before what is above zero."""
    digits = f"{abs(value):,}".replace(",", GROUP)
    if value < 0:
        return MINUS + digits
    return f"+{digits}" if signed and value > 0 else digits


def counted(value: int, noun: str) -> str:
    """Write how many there are of something, by its singular: `1 unit`, `12 units`."""
    return f"{quantity(value)} {noun}{'' if value == 1 else 's'}"


def money(minor: int, currency: str) -> str:
    """Write an amount of minor units in its currency: 123456 EUR reads 1 234.56 EUR."""
    places = get_currency_precision(currency)
    return f"{quantity(Decimal(minor).scaleb(-places))}{GROUP}{currency}"


def age(span: timedelta) -> str:
    """Write a span in its largest unit that fits, rounded down: `40 s`, `3 h`, `12 d`. Below zero counts as zero."""
    seconds = max(0, int(span.total_seconds()))
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{quantity(seconds // size)}{GROUP}{unit}"
    return f"{seconds}{GROUP}s"


def ago(value: datetime, now: datetime) -> str:
    """Write how long ago a moment was, or how far ahead it is."""
    if value > now:
        return f"in {age(value - now)}"
    return "just now" if now - value < timedelta(seconds=5) else f"{age(now - value)} ago"


def moment(value: datetime, zone: str, now: datetime, *, seconds: bool = False) -> str:
    """Write a moment in a time zone; the year is left out when it is this one, unless seconds are asked for."""
    local = value.astimezone(ZoneInfo(zone))
    year = f" {local.year}" if seconds or local.year != now.astimezone(ZoneInfo(zone)).year else ""
    clock = f"{local:%H:%M:%S} {local:%Z}" if seconds else f"{local:%H:%M}"
    return f"{local.day} {MONTHS[local.month - 1]}{year}, {clock}"


def sentence(refusal: Exception) -> str:
    """Write a refusal as a sentence, to stand beside the field it is about."""
    said = str(refusal)
    return f"{said[:1].upper()}{said[1:]}."


def iso(value: datetime) -> str:
    """Write a moment for machines: ISO 8601 in UTC."""
    return value.astimezone(UTC).isoformat(timespec="seconds")


def said(text: str, zone: str, now: datetime) -> str:
    """Write the moments in what a verb says, which are for machines, as people of a time zone read them."""

    def read(found: re.Match[str]) -> str:
        try:
            return moment(datetime.fromisoformat(found[0]), zone, now)
        except (ValueError, OverflowError):
            return found[0]

    return INSTANT.sub(read, text)
