"""Makers for tests: real rows, made by the real verbs."""

from datetime import datetime
from typing import Any
from uuid import UUID

from onhand.actors import Actor
from onhand.testing.samples import Place, Sample
from sqlalchemy.orm import Session

from onhand_csv_drop.models import File
from onhand_csv_drop.reading import Layout
from onhand_csv_drop.services import Draft, Taken, keep, save

__all__ = ["COLUMNS", "TESTER", "make_source", "samples"]

TESTER = Actor.system("test")
COLUMNS = {"sku": "Article", "quantity": "Pieces", "location": "Branch", "time": "Sold at", "id": "Receipt"}


def make_source(
    session: Session, now: datetime, entity_id: int, channel: str, name: str = "tills", **layout: Any
) -> UUID:
    """Save a source of sales with the columns of `COLUMNS`, unless said otherwise."""
    said = Layout(**{"channel": channel, "event_type": "onhand.sale.v1", "columns": COLUMNS, **layout})
    [made] = save(session, [Draft(entity_id, name, said)], by=TESTER, now=now)
    if isinstance(made, Taken):
        raise ValueError(f"another entity has a source {name!r}")
    return made


def samples(session: Session, now: datetime, place: Place) -> dict[str, Sample]:
    """A source, and a file of it."""
    name = f"source-{place.entity.id}"
    source_id = make_source(session, now, place.entity.id, place.things["channel"].code, name)
    taken = File(entity_id=place.entity.id, source_id=source_id, name=place.text, digest="0", left_at=now, rows=1,
                 posted=1, refused=0, outcome="row,outcome,problem\n")  # fmt: skip
    file = keep(session, taken, by=TESTER, now=now)
    return {
        "sources/name": Sample(name),
        "files/file_id": Sample(str(file.id)),
        "?/csv_drop/edit": Sample(f"name={name}"),
    }
