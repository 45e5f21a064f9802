"""What a ledger entry is called outside: its moment of recording and its number, in one word that fits an address."""

import re
from datetime import UTC, datetime

__all__ = ["movement_name", "named_movement"]

NAME = re.compile(r"(\d{8}T\d{6}\.\d{6})Z-(\d{1,18})")
FORM = "%Y%m%dT%H%M%S.%f"


def movement_name(recorded_at: datetime, movement_id: int) -> str:
    """Return an entry's name, `20260105T080000.000000Z-4711`."""
    return f"{recorded_at.astimezone(UTC).strftime(FORM)}Z-{movement_id}"


def named_movement(name: str) -> tuple[datetime, int] | None:
    """Return (recorded_at, id) of an entry's name; None for what is no such name."""
    found = NAME.fullmatch(name)
    if found is None:
        return None
    try:
        return datetime.strptime(found[1], FORM).replace(tzinfo=UTC), int(found[2])
    except ValueError:  # the 31st of February
        return None
