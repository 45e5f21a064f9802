"""Entities by their codes, for whoever lists what belongs to several."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from onhand.addons.models import Entity

__all__ = ["entity_codes"]


def entity_codes(session: Session) -> dict[int, str]:
    """Return the codes of all entities by their ids, in the order of the codes."""
    rows = session.execute(select(Entity.id, Entity.code).order_by(Entity.code))
    return {entity_id: code for entity_id, code in rows}  # noqa: C416 - rows are typed when they are taken apart
