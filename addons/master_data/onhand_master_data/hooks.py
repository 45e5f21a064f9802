"""The hooks that master data offers."""

from collections.abc import Sequence
from datetime import datetime

from onhand.hooks import contribute
from sqlalchemy.orm import Session

from onhand_master_data.validation import ValidationRule
from onhand_master_data.values import Use

__all__ = ["item_obligations", "uses", "validation_rules"]


@contribute
def uses(
    session: Session, entity_id: int, item_ids: Sequence[int], location_ids: Sequence[int], now: datetime
) -> list[Use]:
    """contribute, before items or locations change: where an entity uses them already. Raising refuses the change.

    One use per item, and one per location, is enough; what has a use changes by request.
    """
    return []


@contribute
def validation_rules() -> list[ValidationRule]:
    """contribute, at start-up: rules that people may hold items to. Raising leaves the add-on out."""
    return []


@contribute
def item_obligations(session: Session, entity_id: int, item_ids: Sequence[int], now: datetime) -> list[Use]:
    """contribute, before an item is merged into another: what an entity still has open of it. Raising refuses the merge.

    The label follows the number: `units at S1`, `open holds`. Anything told refuses the merge.
    """
    return []
