"""What can be done about a shortage: offered beside its exception, wherever that is shown."""

from flask import url_for
from onhand.contributions import ExceptionAction, ExceptionSubject
from onhand_master_data.api import describe_items, describe_locations
from sqlalchemy.orm import Session

__all__ = ["next_steps"]


def next_steps(session: Session, exception: ExceptionSubject) -> list[ExceptionAction]:
    """Return the way to the adjustment that would settle a shortage, filled in as far as it is known."""
    if "shortage" not in exception.kinds or exception.item_id is None or exception.location_id is None:
        return []
    item = describe_items(session, [exception.item_id]).get(exception.item_id)
    place = describe_locations(session, [exception.location_id]).get(exception.location_id)
    if item is None or place is None:
        return []
    href = url_for("stock.adjust_form", sku=item.sku, location=place.code, what="found", amount=exception.quantity)
    hint = "Opens the form for the units that were there, though the book did not know."
    return [ExceptionAction("Adjust", href, "stock.work", icon="edit", hint=hint, order=20)]
