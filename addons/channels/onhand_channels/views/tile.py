"""The figure on the home page."""

from datetime import datetime

from flask import url_for
from onhand.contributions import Tile
from sqlalchemy.orm import Session

from onhand_channels import queries
from onhand_channels.views.asking import may_in

__all__ = ["parked_tile"]


def parked_tile(session: Session, entity_id: int, now: datetime) -> list[Tile]:  # noqa: ARG001 - its hook hands it in
    """Return how many events wait for something to be mended, to those who may see all channels of the entity."""
    if not may_in("channels.read", entity_id):
        return []
    parked, conflicts = queries.parked_in(session, entity_id)
    many = "+" if parked >= queries.COUNT_MAX else ""
    waits = f"{conflicts:,} in conflict".replace(",", " ") if conflicts else "none in conflict"
    return [
        Tile(
            title="Parked events",
            value=f"{parked:,}{many}".replace(",", " "),
            href=url_for("channels.index"),
            tone="warn" if parked or conflicts else "good",
            hint=waits,
            order=30,
        )
    ]
