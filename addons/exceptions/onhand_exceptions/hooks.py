"""Where others may take part in exceptions. To raise one, or to offer a next step, see the core's hooks."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from onhand.hooks import contribute
from sqlalchemy.orm import Session

__all__ = ["item_categories", "unit_values"]


@contribute
def item_categories(session: Session, entity_id: int, items: Sequence[int], now: datetime) -> list[tuple[int, str]]:
    """contribute, when exceptions open and a rule looks at categories: (item, code) for its category and each above it.

    Raising leaves the exceptions to be opened by the next try.
    """
    return []


@contribute
def unit_values(session: Session, entity_id: int, items: Sequence[int], now: datetime) -> list[tuple[int, Decimal]]:
    """contribute, when exceptions open and whenever they are asked about again: (item, what one base unit is worth).

    In minor units of the entity's currency, more than 0, and only for items of which it is known: money at risk of any
    other is unknown. Of several answers for one item the first counts. Raising leaves all as it was until the next try.
    """
    return []
