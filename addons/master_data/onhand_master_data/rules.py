"""What a code and a name may look like, said once in the words people read; the tables hold the same rules."""

import re
from functools import cache
from zoneinfo import available_timezones

from onhand_master_data.models import CODE, NAME

__all__ = ["bad_code", "bad_name", "is_time_zone"]

_CODE = re.compile(CODE.removesuffix("$"))
_NAME = re.compile(NAME.removesuffix("$"))


def bad_code(text: str) -> str | None:
    """Return what is wrong with a SKU or code, None if nothing."""
    if _CODE.fullmatch(text):
        return None
    return "1 to 64 of A-Z a-z 0-9 . _ + # - and inner blanks, beginning with a letter or digit"


def bad_name(text: str) -> str | None:
    """Return what is wrong with a name, None if nothing."""
    if not text.strip():
        return "must not be empty"
    return None if _NAME.fullmatch(text) else "1 to 200 characters, none of them a control character"


def is_time_zone(name: str) -> bool:
    """Say whether the IANA database knows a time zone of this name."""
    return name in _time_zones()


@cache
def _time_zones() -> frozenset[str]:
    return frozenset(available_timezones())
