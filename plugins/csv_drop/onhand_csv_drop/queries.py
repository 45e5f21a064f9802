"""What pages and the watch read."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from onhand_channels.api import ChannelRef, channels_of
from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from onhand_csv_drop.models import File, Source

__all__ = ["ORDER", "channels", "file", "files", "first_left_at", "known", "refused_since", "source", "sources"]

T = TypeVar("T")
ORDER: tuple[ColumnElement[Any], ...] = (File.recorded_at.desc(), File.id.desc())


def sources(session: Session, entities: Sequence[int]) -> list[Source]:
    """Return the sources of entities, by name. They outlive the transaction, as all that is returned here does."""
    found = session.scalars(select(Source).where(Source.entity_id.in_(entities)).order_by(Source.name)).all()
    return [_let_go(session, one) for one in found]


def source(session: Session, entities: Sequence[int], name: str) -> Source | None:
    """Return a source of these entities."""
    return _let_go(session, session.scalar(select(Source).where(Source.name == name, Source.entity_id.in_(entities))))


def files(entities: Sequence[int], source_id: UUID | None = None) -> Select[Any]:
    """Return the files that were taken, of one source or of all, ordered by `ORDER`; without their outcomes."""
    file = (File.id, File.name, File.rows, File.posted, File.refused, File.recorded_at)
    columns: list[Any] = [*file, Source.name.label("source")]
    query = select(*columns).join(Source, Source.id == File.source_id).where(File.entity_id.in_(entities))
    return query if source_id is None else query.where(File.source_id == source_id)


def file(session: Session, entities: Sequence[int], file_id: UUID) -> File | None:
    """Return a file with its outcome."""
    return _let_go(session, session.scalar(select(File).where(File.id == file_id, File.entity_id.in_(entities))))


def known(session: Session, source_id: UUID, digest: str, name: str, left_at: datetime) -> File | None:
    """Return this very file, where it was taken before."""
    same = (File.source_id == source_id, File.digest == digest, File.name == name, File.left_at == left_at)
    return _let_go(session, session.scalar(select(File).where(*same)))


def first_left_at(session: Session, source_id: UUID, digest: str) -> datetime | None:
    """Return when a file of these bytes was first left: what has no time of its own happened then."""
    return session.scalar(select(func.min(File.left_at)).where(File.source_id == source_id, File.digest == digest))


def refused_since(session: Session, entity_id: int, since: datetime) -> int:
    """Return how many rows were refused in an entity."""
    query = select(func.sum(File.refused)).where(File.entity_id == entity_id, File.recorded_at > since)
    return int(session.scalar(query) or 0)


def channels(session: Session, entities: Sequence[int]) -> list[ChannelRef]:
    """Return the channels that a source may be for."""
    return channels_of(session, entities)


def _let_go(session: Session, row: T) -> T:
    if row is not None:
        session.expunge(row)
    return row
