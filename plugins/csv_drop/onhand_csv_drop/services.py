"""The verbs: say what files mean, and keep what became of one."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from onhand import audit
from onhand.actors import Actor
from onhand.ids import uuid7
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from onhand_csv_drop.models import File, Source
from onhand_csv_drop.reading import Layout

__all__ = ["Draft", "Taken", "keep", "save"]


@dataclass(frozen=True, slots=True)
class Draft:
    """A source as it shall be; one of this name in this entity is changed, its name never."""

    entity_id: int
    name: str
    layout: Layout


@dataclass(frozen=True, slots=True)
class Taken:
    """Another entity has a source of this name: folders are named after them, so choose another."""

    name: str


def save(session: Session, drafts: Sequence[Draft], *, by: Actor, now: datetime) -> list[UUID | Taken]:  # noqa: ARG001 - the trail knows the time
    """Add sources or change them, and answer in their order. Each stands alone; twice is harmless."""
    answers: list[UUID | Taken] = []
    for draft in drafts:
        layout = asdict(draft.layout)
        statement = insert(Source).values(id=uuid7(), entity_id=draft.entity_id, name=draft.name, **layout)
        session.execute(statement.on_conflict_do_nothing())
        found = session.scalar(select(Source).where(Source.name == draft.name, Source.entity_id == draft.entity_id))
        if found is None:
            answers.append(Taken(draft.name))
            continue
        for field, value in layout.items():
            setattr(found, field, value)
        subject = f"csv_drop:{draft.name}"
        audit.record(session, by, "csv_drop.save", subject, after=layout, entity_id=draft.entity_id)
        answers.append(found.id)
    return answers


def keep(session: Session, file: File, *, by: Actor, now: datetime) -> File:
    """Keep what became of a file, and return it; where another worker kept it already, that. Twice is harmless."""
    values = {column.key: getattr(file, column.key) for column in File.__table__.columns}
    values |= {"id": uuid7(), "recorded_at": now, "recorded_by": by.ref}
    session.execute(insert(File).values(values).on_conflict_do_nothing())
    same = (File.source_id == file.source_id, File.digest == file.digest, File.name == file.name)
    kept = session.scalars(select(File).where(*same, File.left_at == file.left_at)).one()
    session.expunge(kept)  # it outlives the transaction
    return kept
