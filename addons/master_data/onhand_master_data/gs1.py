"""GS1 keys, checked by biip: trade item numbers (GTIN) and location numbers (GLN)."""

from biip import ParseError
from biip.gln import Gln
from biip.gtin import Gtin

__all__ = ["NotAGs1Key", "gln", "gtin14", "gtin_key"]


class NotAGs1Key(ValueError):
    """The text is no such key; the message says in a reader's words what is wrong with it."""


def gtin14(text: str) -> str:
    """Return a GTIN-8, -12, -13 or -14 in the one form we store: 14 digits, check digit verified."""
    text = text.strip()
    if not (text.isascii() and text.isdecimal()) or len(text) not in {8, 12, 13, 14}:
        raise NotAGs1Key("a GTIN has 8, 12, 13 or 14 digits")
    if not text.strip("0"):
        raise NotAGs1Key("a GTIN is not all zeros")
    try:
        return Gtin.parse(text).as_gtin_14()
    except ParseError as error:
        raise NotAGs1Key("the check digit does not fit: a digit is wrong or two are swapped") from error


def gtin_key(text: str) -> str:
    """Return the form under which a scanned GTIN would be stored, unchecked: what is no GTIN matches none."""
    text = text.strip()
    return text.zfill(14) if len(text) in {8, 12, 13} else text


def gln(text: str) -> str:
    """Return a GLN of 13 digits, check digit verified."""
    text = text.strip()
    if not (text.isascii() and text.isdecimal()) or len(text) != 13:
        raise NotAGs1Key("a GLN has 13 digits")
    try:
        return Gln.parse(text).as_gln()
    except ParseError as error:
        raise NotAGs1Key("the check digit does not fit: a digit is wrong or two are swapped") from error
