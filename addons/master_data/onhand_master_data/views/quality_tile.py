"""The score on the home page."""

from datetime import datetime

from flask import url_for
from onhand.contributions import Tile
from onhand.web.formats import quantity
from sqlalchemy.orm import Session

from onhand_master_data import services
from onhand_master_data.quality import GOOD

__all__ = ["quality_tile"]


def quality_tile(session: Session, entity_id: int, now: datetime) -> list[Tile]:  # noqa: ARG001 - as the hook asks
    """Return the score measured last, none before the first."""
    scores = services.latest_scores(session, entity_id, 1)
    return [
        Tile(
            "Item master",
            f"{score.score}",
            url_for("master_data.data_quality"),
            unit="of 100",
            tone="neutral" if score.score >= GOOD else "warn",
            hint=f"{quantity(score.with_findings)} of {quantity(score.items)} items have findings",
            order=60,
        )
        for score in scores
    ]
