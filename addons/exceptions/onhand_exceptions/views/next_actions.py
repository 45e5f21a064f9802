"""What may be done next about an exception: what add-ons offer, as far as the person may do it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from onhand.access import principal
from onhand.addons.shown import gather_shown
from onhand.contributions import ExceptionAction, ExceptionSubject
from sqlalchemy.orm import Session

__all__ = ["next_actions"]


def next_actions(session: Session, row: Any, evidence: Sequence[Any], now: datetime) -> list[ExceptionAction]:
    """Return the steps that the add-ons active for the entity offer whoever asks; none once it is resolved."""
    if row.status != "open":
        return []
    holding = [proof for proof in evidence if proof.holds]
    subject = ExceptionSubject(
        id=row.id,
        entity_id=row.entity_id,
        cause_key=row.cause_key,
        kinds=tuple(proof.kind for proof in holding),
        item_id=row.item_id,
        location_id=row.location_id,
        quantity=row.quantity,
        evidence={proof.kind: proof.latest for proof in holding},
    )
    found, _ = gather_shown(session, "exception_actions", row.entity_id, now, exception=subject)
    offered: list[ExceptionAction] = [step for _, steps in found for step in steps]
    known = principal()
    allowed = [step for step in offered if known.may(step.permission, row.entity_id, row.location_id)]
    return sorted(allowed, key=lambda step: (step.order, step.label))
