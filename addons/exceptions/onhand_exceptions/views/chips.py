"""Chips: menus beside the filter that write its tokens, so that nobody need know how they are spelt."""

from flask import request
from sqlalchemy.orm import Session

from onhand_exceptions import filtering, queries
from onhand_exceptions.views.wanted import Known, list_href

__all__ = ["Chip", "chips"]

LOCATIONS_MAX = 40
AGES = (("age:>4h", "over 4 hours"), ("age:>24h", "over a day"), ("age:>3d", "over 3 days"), ("age:>1w", "over a week"))
VALUES = (100, 500, 1_000, 10_000)
STATES = (("state:new", "New"), ("state:ongoing", "Ongoing"), ("state:escalating", "Escalating"),
          ("state:regressed", "Regressed"))  # fmt: skip

Chip = tuple[str, list[tuple[str, str]]]
"""A menu's label, and its choices as (label, address)."""


def chips(session: Session, reach: queries.Reach, text: str, known: Known) -> list[Chip]:
    """Return the menus of this request; each choice leads to the list with its token in place of another of its key."""
    kinds = [(f"kind:{name}", label) for name, label in sorted(known.kinds.items(), key=lambda kind: kind[1])]
    places = [(filtering.spelt("location", code), code) for code in queries.locations_with_open(session, reach)]
    values = [(f"value:>{value}", f"over {value:,} {known.currency}".replace(",", " ")) for value in VALUES]
    owners = [("owner:me", "Me"), ("owner:none", "Nobody")]
    menus = {"Kind": kinds, "Location": places[:LOCATIONS_MAX], "State": list(STATES), "Age": list(AGES),
             "At risk": values, "Owner": owners}  # fmt: skip
    tab = request.args.get("tab")
    return [
        (label, [(name, list_href(filtering.with_token(text, token), tab)) for token, name in choices])
        for label, choices in menus.items()
        if choices
    ]
