"""What a policy's type takes: read from text, judged, written as JSON keeps it and as people read it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from onhand.contributions import PolicyType, PolicyValue
from onhand.policies.book import Where

__all__ = [
    "REASON_CHARACTERS_MAX", "TYPES", "PolicyChange", "PolicyRefused", "from_text", "kept", "shown", "stored", "wanted",
]  # fmt: skip

TYPES: dict[type, str] = {int: "a whole number", Decimal: "a number", str: "text", bool: "true or false"}
NUMBER_MAX = 2**63 - 1  # as the database counts
DIGITS_MAX = 40
TEXT_CHARACTERS_MAX = 2_000
REASON_CHARACTERS_MAX = 2_000
WORDS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


class PolicyRefused(Exception):
    """A policy that does not exist, a value, scope, date or condition that it does not take.

    `field` names what is wrong: `value`, `scope.location`, `effective_from`, `condition`, `version`, `policy`;
    `other` is the version in the way, if it is one. `is_conflict`: it would be right if the state of things were other.
    """

    def __init__(
        self,
        message: str,
        *,
        policy: str = "",
        field: str = "value",
        other: int | None = None,
        is_conflict: bool = False,
    ) -> None:
        self.policy = policy
        self.field = field
        self.other = other
        self.is_conflict = is_conflict
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class PolicyChange:
    """A version to add. Value None ends what was set at that place.

    `replaces`: a version that is not yet in force, whose place it takes; with `cancels` both are as if never planned.
    `effective_from` None, or past, is now.
    """

    policy: str
    value: Any
    where: Where = field(default_factory=Where)
    effective_from: datetime | None = None
    condition: str | None = None
    replaces: int | None = None
    cancels: bool = False


def wanted(kind: PolicyType) -> str:
    """Say what a policy takes: `a whole number of s from 1 to 86400`."""
    if kind.choices:
        return f"one of {', '.join(kind.choices)}"
    said = TYPES[kind.type] + (f" ({kind.unit})" if kind.unit else "")
    if kind.type in (int, Decimal):
        low, high = kind.minimum, kind.maximum
        if low is not None and high is not None:
            return f"{said} from {_digits(low)} to {_digits(high)}"
        if low is not None:
            return f"{said}, {_digits(low)} or more"
        if high is not None:
            return f"{said}, {_digits(high)} or less"
    return said


def from_text(kind: PolicyType, text: str) -> Any:
    """Read what a person typed as the policy's type; what does not read so is handed on as text, to be refused."""
    said = text.strip()
    if kind.type is bool:
        return WORDS.get(said.lower(), said)
    if kind.type is int and len(said) <= DIGITS_MAX:
        try:
            return json.loads(said)
        except ValueError:
            return said
    return said


def kept(kind: PolicyType, value: Any) -> Any:
    """Return a value as JSON keeps it; PolicyRefused naming the policy and what it takes for one that does not fit."""
    if kind.type is Decimal and isinstance(value, (Decimal, int, float, str)) and type(value) is not bool:
        try:
            value = Decimal(str(value))
        except InvalidOperation:
            raise _refused(kind, f"takes {_typed(kind)}, not {value!r}") from None
    if type(value) is not kind.type:
        raise _refused(kind, f"takes {_typed(kind)}, not {value!r}")
    if isinstance(value, str):
        return _text(kind, value)
    if isinstance(value, (int, Decimal)) and type(value) is not bool:
        return _in_bounds(kind, value)
    return value


def stored(kind: PolicyType, value: Any) -> PolicyValue:
    """Return a kept value as the policy's type."""
    found: PolicyValue = Decimal(value) if kind.type is Decimal else value
    return found


def shown(kind: PolicyType, value: Any) -> str:
    """Write a kept value or a default for people, with its unit."""
    if value is None:
        return "not set"
    if kind.type is bool:
        return "yes" if value else "no"
    said = _digits(value) if isinstance(value, int) else str(value)
    return f"{said} {_unit(kind.unit, value)}" if kind.unit else said


def _unit(unit: str, value: Any) -> str:
    """Return a unit as it is said after a value: `1 hour`, `2 hours`."""
    return unit[:-1] if value == 1 and len(unit) > 1 and unit.endswith("s") else unit


def names(values: Sequence[str]) -> str:
    """Write a list: `a, b or c`."""
    return " or ".join(filter(None, (", ".join(values[:-1]), values[-1]))) if values else "none"


def _digits(value: int | Decimal) -> str:
    """Write a number with its digits in groups."""
    return f"{value:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def _typed(kind: PolicyType) -> str:
    return TYPES[kind.type] + (f" ({kind.unit})" if kind.unit else "")


def _text(kind: PolicyType, value: str) -> str:
    if not value.isprintable():
        raise _refused(kind, "takes text without control characters")
    if len(value) > TEXT_CHARACTERS_MAX:
        raise _refused(kind, f"takes at most {TEXT_CHARACTERS_MAX} characters, not {len(value)}")
    if kind.choices and value not in kind.choices:
        raise _refused(kind, f"takes one of {', '.join(kind.choices)}, not {value!r}")
    return value


def _in_bounds(kind: PolicyType, value: int | Decimal) -> Any:
    if isinstance(value, Decimal) and not value.is_finite():
        raise _refused(kind, f"takes a finite number, not {value}")
    low = -NUMBER_MAX if kind.minimum is None else kind.minimum
    high = NUMBER_MAX if kind.maximum is None else kind.maximum
    if value < low:
        raise _refused(kind, f"cannot be less than {_digits(low)}: {_digits(value)} was given")
    if value > high:
        raise _refused(kind, f"cannot be greater than {_digits(high)}: {_digits(value)} was given")
    return str(value) if isinstance(value, Decimal) else value


def _refused(kind: PolicyType, message: str) -> PolicyRefused:
    return PolicyRefused(f"{kind.name} {message}", policy=kind.name, field="value")
