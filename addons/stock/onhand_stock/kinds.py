"""Kinds of movement: what may move from where to where, and why. Declared as data, contributed through a hook."""

from dataclasses import dataclass
from typing import Literal
from weakref import WeakKeyDictionary

from onhand.addons import Addons
from onhand.contributions import ReferenceRows

from onhand_stock.states import OUTSIDE, STATES

__all__ = [
    "ADJUSTABLE",
    "ASKED_KINDS",
    "DERIVED_KINDS",
    "STOCK_KINDS",
    "MovementKind",
    "Rules",
    "kinds_of",
    "reference_rows",
    "rules_of",
]

PROMISABLE = ("available", "shortage")
DERIVED_KINDS = frozenset({"shortage_clear", "count_correction"})
"""Kinds that the posting verb adds by itself to what it was asked to post."""
ADJUSTABLE = (
    "available", "receiving", "quarantined", "damaged", "customer_returned", "vendor_return_pending", "count_pending",
)  # fmt: skip
"""States that people may adjust: what is promised is its promise's, what is under way its transfer's."""
ASKED_KINDS = ("adjustment", "write_off", "markdown")
"""Kinds that are asked for, and posted once policy or other people agree."""


@dataclass(frozen=True, slots=True)
class MovementKind:
    """A kind of movement.

    A fact happened and is always posted, at the worst against `shortage`; an intent is refused when stock, policy or
    authority does not allow it. `transitions` are the (from, to) pairs it may take, states or outside accounts. A value
    kind changes what units are worth where they are: its pairs name one state twice.
    """

    name: str
    label: str
    nature: Literal["fact", "intent"]
    transitions: tuple[tuple[str, str], ...]
    permission: str | None = None
    needs_reason: bool = False
    is_value: bool = False

    def __post_init__(self) -> None:
        known = {*STATES, *OUTSIDE}
        for pair in self.transitions:
            if not known.issuperset(pair) or (pair[0] == pair[1]) != self.is_value:
                raise ValueError(f"kind {self.name!r}: {pair} is no transition between known states")


def _to(sources: tuple[str, ...], target: str) -> tuple[tuple[str, str], ...]:
    return tuple((source, target) for source in sources)


STOCK_KINDS = (
    MovementKind("sale", "Sale", "fact", _to(PROMISABLE, "customer")),
    MovementKind("ship", "Shipment", "fact", _to(("packed", "picked", "reserved", *PROMISABLE), "customer")),
    MovementKind("receipt", "Receipt", "fact", (("supplier", "available"), ("supplier", "receiving"))),
    MovementKind("return_receipt", "Return received", "fact", (("customer", "customer_returned"),)),
    MovementKind(
        "count_adjustment", "Count adjustment", "fact",
        (("found", "available"), *_to(PROMISABLE, "shrink")), permission="stock.adjust",
    ),
    MovementKind(
        "count_correction", "Count corrected by a late fact", "fact",
        (("shrink", "available"), *_to(PROMISABLE, "found")),
    ),
    MovementKind("shortage_clear", "Shortage cleared", "fact", (("available", "shortage"),)),
    MovementKind(
        "adjustment", "Adjustment", "fact",
        (*(("found", state) for state in ADJUSTABLE), *_to((*ADJUSTABLE, "shortage"), "shrink")),
        permission="stock.adjust", needs_reason=True,
    ),
    MovementKind(
        "write_off", "Write-off", "fact",
        _to((*ADJUSTABLE, "shortage"), "scrap"), permission="stock.adjust", needs_reason=True,
    ),
    MovementKind(
        "markdown", "Markdown", "intent",
        tuple((state, state) for state in ADJUSTABLE), permission="stock.adjust", needs_reason=True, is_value=True,
    ),
)  # fmt: skip


def kinds_of(addons: Addons) -> dict[str, MovementKind]:
    """Return every kind that an installed add-on contributes, by name; ValueError when two declare the same."""
    kinds: dict[str, MovementKind] = {}
    for noun, contributed in addons.gather_by_addon("movement_kinds"):
        for kind in contributed:
            if kind.name in kinds:
                raise ValueError(f"add-on {noun!r} declares movement kind {kind.name!r}, which exists already")
            kinds[kind.name] = kind
    return kinds


@dataclass(frozen=True, slots=True)
class Rules:
    """What the posting verb must know of kinds: which are never refused, which need a reason, which move no units.

    `legal` holds every (kind, from, to) that may be.
    """

    facts: frozenset[str]
    reasoned: frozenset[str]
    values: frozenset[str]
    legal: frozenset[tuple[str, str, str]]


_rules: WeakKeyDictionary[Addons, Rules] = WeakKeyDictionary()


def rules_of(addons: Addons) -> Rules:
    """Return the rules of all installed kinds; gathered once per application."""
    found = _rules.get(addons)
    if found is None:
        kinds = kinds_of(addons).values()
        found = _rules[addons] = Rules(
            facts=frozenset(kind.name for kind in kinds if kind.nature == "fact"),
            reasoned=frozenset(kind.name for kind in kinds if kind.needs_reason),
            values=frozenset(kind.name for kind in kinds if kind.is_value),
            legal=frozenset((kind.name, *pair) for kind in kinds for pair in kind.transitions),
        )
    return found


def reference_rows(addons: Addons) -> list[ReferenceRows]:
    """Return all kinds and their transitions as rows."""
    kinds = kinds_of(addons).values()
    return [
        ReferenceRows(
            "stock.movement_kind",
            ("kind",),
            tuple(
                {
                    "kind": kind.name,
                    "label": kind.label,
                    "nature": kind.nature,
                    "permission": kind.permission,
                    "needs_reason": kind.needs_reason,
                    "is_value": kind.is_value,
                }
                for kind in kinds
            ),
        ),
        ReferenceRows(
            "stock.transition",
            ("kind", "from_state", "to_state"),
            tuple(
                {"kind": kind.name, "from_state": pair[0], "to_state": pair[1]}
                for kind in kinds
                for pair in kind.transitions
            ),
        ),
    ]
