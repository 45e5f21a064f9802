"""Policies as JSON tells them, at the command line and over REST."""

from dataclasses import asdict
from decimal import Decimal
from typing import Any

from onhand.contributions import PolicyType
from onhand.policies.backtesting import Tried
from onhand.policies.explaining import Step, Why
from onhand.policies.values import wanted

__all__ = ["fact_of", "kind_document", "tried_document", "why_document"]

WORDS = {"true": True, "false": False}


def kind_document(addon: str, kind: PolicyType) -> dict[str, Any]:
    """Tell what a policy is."""
    return {
        "name": kind.name,
        "addon": addon,
        "label": kind.label,
        "help": kind.help,
        "type": kind.type.__name__,
        "unit": kind.unit,
        "default": kind.default,
        "takes": wanted(kind),
        "minimum": kind.minimum if kind.type in (int, Decimal) else None,
        "maximum": kind.maximum if kind.type in (int, Decimal) else None,
        "per": list(kind.scopes),
        "choices": list(kind.choices),
        "variables": [{"name": one.name, "type": one.type.__name__, "help": one.help} for one in kind.variables],
    }


def why_document(found: Why) -> dict[str, Any]:
    """Tell why a policy has its value."""

    def step(one: Step) -> dict[str, Any]:
        return {name: value for name, value in asdict(one).items() if name not in ("where", "holds")}

    return {
        "name": found.kind.name,
        "value": found.value,
        "unit": found.kind.unit,
        "place": found.place,
        "at": found.at,
        "decided": step(found.decided),
        "overridden": [step(one) for one in found.overridden],
        "passed_over": [step(one) for one in found.passed_over],
    }


def tried_document(tried: Tried) -> dict[str, Any]:
    """Tell what a back-test found."""
    return {"test": tried.test.label, **asdict(tried.result)}


def fact_of(type_: type[Any], text: str) -> Any:
    """Read a fact as its variable's type; what does not read so stays text, of which no condition holds."""
    if type_ is bool:
        return WORDS.get(text.lower(), text)
    try:
        return type_(text)
    except ValueError:
        return text
