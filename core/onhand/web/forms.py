"""What people fill in: fields of a page's form and of its address, as views read them."""

from flask import request

__all__ = ["asked", "filled", "filters", "trimmed", "whole_number"]

FIELD_CHARACTERS_MAX = 255
TEXT_CHARACTERS_MAX = 2_000


def trimmed(text: str, characters_max: int | None = None) -> str:
    """Return a text without blanks at its ends and without NULs, which PostgreSQL cannot keep; lines end with `\\n`.

    What is beyond `characters_max` is cut off: forms say how much they take, and only what is no form sends more.
    """
    return text.replace("\x00", "").replace("\r\n", "\n").strip()[:characters_max]


def asked(name: str, characters_max: int = FIELD_CHARACTERS_MAX) -> str | None:
    """Return what a page is asked for by a field of its address, trimmed; None for nothing."""
    return trimmed(request.args.get(name, ""), characters_max) or None


def filled(name: str, characters_max: int = TEXT_CHARACTERS_MAX) -> str:
    """Return what a field of a posted form was filled with, trimmed; empty for nothing."""
    return trimmed(request.form.get(name, ""), characters_max)


def filters(*leave_out: str) -> dict[str, str]:
    """Return the fields a list is narrowed by, for the address of its next page or of another one."""
    return {name: value for name, value in request.args.items() if value and name not in {"cursor", *leave_out}}


def whole_number(text: str, digits_max: int = 9) -> int | None:
    """Return the whole number from 0 that a text is; None for whatever else, or more digits than that.

    Nine digits fit an id of PostgreSQL's `integer`, 18 one of `bigint`.
    """
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= digits_max else None
