"""The policies that the ledger's people set: what is adjusted at once, what is counted again, what a unit is worth, what is stopped."""

from collections.abc import Sequence
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal

from onhand.contributions import PolicyProfile, PolicyType
from onhand.policies.book import Where
from onhand.policies.services import resolve_many
from onhand.transaction import context
from sqlalchemy.orm import Session

__all__ = [
    "AMOUNT", "POLICIES", "PROFILES", "RECOUNT", "STOPPED", "UNITS", "VALUE", "is_valued", "recount_from", "tolerances", "unit_values", "worth",
]  # fmt: skip

UNITS_MAX, MINOR_MAX = 1_000_000_000, 10**15
PLACES = ("item", "category", "location", "entity")
UNITS, AMOUNT = "stock.adjust_tolerance_units", "stock.adjust_tolerance_minor"
RECOUNT, VALUE = "stock.recount_units", "stock.unit_value_minor"
STOPPED = "stock.stopped"

POLICIES = (
    PolicyType(
        UNITS, "Adjusted at once, units", int, 5,
        "Up to so many units of an item at a location, added up per person over the window against splitting, whoever may"
        " adjust does so at once; more takes approval. 0: everything does.", "units", PLACES, maximum=UNITS_MAX,
    ),
    PolicyType(
        AMOUNT, "Adjusted at once, value", int, 5_000,
        "Up to so much value, likewise. It counts where the value of a unit is known, and for markdowns."
        " In minor units of the entity's currency: 5000 are 50.00.",
        "minor units", PLACES, maximum=MINOR_MAX,
    ),
    PolicyType(
        RECOUNT, "Counted again from", int, 100,
        "A correction of so many units or more on the shelf is counted again before anybody decides on it. 0: never.",
        "units", PLACES, maximum=UNITS_MAX,
    ),
    PolicyType(
        VALUE, "Value of a unit", Decimal, Decimal(0),
        "What one base unit counts as being worth, until costs are kept: when an adjustment is weighed, as money at risk"
        " of an exception, as the value of what is short. 0: not known, shown as such, and only units are weighed."
        " In minor units of the entity's currency: 250 are 2.50.", "minor units", ("item", "category", "entity"),
        maximum=MINOR_MAX,
    ),
    PolicyType(
        STOPPED, "Stopped", bool, False,
        "While it is true, nothing new is promised or marked down of what it covers: for a recall, during a stock-take."
        " What happens all the same is posted, and what is there still counts as available.",
        scopes=("item", "location", "entity"),
    ),
)  # fmt: skip

# What is scarce and costly is corrected by four eyes from the first unit on; shelves that turn fast are not.
PROFILES = tuple(
    PolicyProfile(name, {UNITS: units, AMOUNT: amount, RECOUNT: recount})
    for name, units, amount, recount in (
        ("luxury", 0, 0, 1),
        ("grocery", 12, 5_000, 100),
        ("specialty_apparel", 3, 10_000, 20),
        ("consumer_electronics", 1, 10_000, 5),
    )
)


def tolerances(session: Session, places: Sequence[Where], now: datetime) -> list[tuple[int, int]]:
    """Return what may be adjusted at once at each place: units and amount."""
    units, amounts = (resolve_many(session, name, places, at=now) for name in (UNITS, AMOUNT))
    return [(int(up_to), int(amount)) for up_to, amount in zip(units, amounts, strict=True)]


def recount_from(session: Session, places: Sequence[Where], now: datetime) -> list[int]:
    """Return from how many units on a correction is counted again, at each place; 0: never."""
    return [int(value) for value in resolve_many(session, RECOUNT, places, at=now)]


def is_valued(session: Session) -> bool:
    """Return whether anybody has ever said what a unit of anything is worth."""
    return context(session).policies.is_set(VALUE)


def unit_values(session: Session, places: Sequence[Where], now: datetime) -> list[Decimal | None]:
    """Return what a base unit is worth at each place, in minor units; None where nobody said."""
    found = resolve_many(session, VALUE, places, at=now)
    return [value if isinstance(value, Decimal) and value else None for value in found]


def worth(units: int, unit_value: Decimal | None) -> int | None:
    """Return what units are worth in minor units, half a one being a whole as in SQL; None where nobody said."""
    return None if unit_value is None else int((unit_value * units).to_integral_value(ROUND_HALF_UP))
