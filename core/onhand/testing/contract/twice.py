"""Twice: what is told and done at least once must count once."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Table
from sqlalchemy.orm import Session

from onhand.contract.payloads import Samples
from onhand.db import cursor
from onhand.jobs import JobActor, observers
from onhand.testing.people import Entity

__all__ = ["counted_twice", "job_faults", "seen_faults", "told_twice"]

Ask = Callable[..., list[tuple[Any, ...]]]


@contextmanager
def told_twice() -> Iterator[None]:
    """Tell every event twice for as long as the block lasts, as a redelivery does."""
    tell = observers._tell

    def again(*told: Any) -> None:
        tell(*told)
        tell(*told)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(observers, "_tell", again)
        yield


def counted_twice(once: Mapping[str, int], twice: Mapping[str, int]) -> Iterator[str]:
    """Yield tables that have other rows of the entity whose events were told twice than of the one told once."""
    for name in sorted(once.keys() | twice.keys()):
        if once.get(name, 0) != twice.get(name, 0):
            yield f"{name} has {once.get(name, 0)} rows where events are told once, {twice.get(name, 0)} where twice"


def job_faults(
    actors: Iterable[JobActor[...]], samples: Samples, entities: list[int], rows: Callable[[], Mapping[str, int]]
) -> Iterator[str]:
    """Do each job twice, with the arguments of its samples, and yield those that make more the second time.

    What the arguments name is not there any more, as happens to a job that waits: it has nothing to do then.
    """
    for actor in actors:
        for arguments in samples["jobs"].get(actor.name, ()):
            actor(entities, **arguments)
            once = rows()
            actor(entities, **arguments)
            for name, count in rows().items():
                if count != once.get(name, 0):
                    yield f"{actor.name} done twice makes {count} rows of {name}, not {once.get(name, 0)}"


def seen_faults(
    transact: Callable[..., Any], tables: Iterable[Table], there: Mapping[str, int], *, owner: Entity, other: Entity
) -> Iterator[str]:
    """Yield tables whose rows of one entity another sees, or the entity itself does not; `there` has what there is."""
    for table in tables:
        if table.fullname in there:
            own, others = (transact(partial(_seen, table.fullname, owner.id), [who]) for who in (owner, other))
            if others:
                yield f"{others} rows of {table.fullname} are seen from another entity"
            if own != there[table.fullname]:
                yield f"{there[table.fullname]} rows are in {table.fullname}, of which their entity sees {own}"


def _seen(table: str, entity_id: int, session: Session, _: datetime) -> int:
    query = f"SELECT count(*) FROM {table} WHERE entity_id = %s"
    [(count,)] = cursor(session).execute(query, (entity_id,)).fetchall()
    return int(count)
