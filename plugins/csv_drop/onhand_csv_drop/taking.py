"""Taking a file: read it, tell the channel, keep what became of every row. For a view or a job: transactions of its own."""

import hashlib
from collections import Counter
from datetime import datetime

import msgspec
from onhand.actors import Actor
from onhand.transaction import run
from onhand_channels.api import Outcome, Told, deliver
from sqlalchemy.orm import Session

from onhand_csv_drop import queries, services
from onhand_csv_drop.models import File, Source
from onhand_csv_drop.reading import Layout, outcome_csv, read

__all__ = ["layout_of", "take"]

BATCH = 500
REFUSED = "refused"


def layout_of(source: Source) -> Layout:
    """Return what the files of a source mean."""
    return Layout(source.channel, source.event_type, source.columns, source.location, source.zone)


def take(source: Source, name: str, data: bytes, *, left_at: datetime, by: Actor) -> File:
    """Post every row of a file that can be, and return what became of each.

    A file that was taken before answers as it did then. What is cut short is taken up again where it was: a row's event
    has the same id then, and is posted once.
    """
    digest, entities = hashlib.sha256(data).hexdigest(), (source.entity_id,)

    def before(session: Session, _: datetime) -> tuple[File | None, datetime]:
        first = queries.first_left_at(session, source.id, digest)
        return queries.known(session, source.id, digest, name, left_at), first or left_at

    found, happened_at = run(before, entities=entities)
    if found is not None:
        return found
    lines = read(layout_of(source), data, digest=digest, left_at=happened_at)
    outcomes: dict[int, Outcome] = {}
    told = [line for line in lines if line.event]
    for batch in (told[start : start + BATCH] for start in range(0, len(told), BATCH)):
        events = [msgspec.Raw(msgspec.json.encode(line.event)) for line in batch]
        answers = deliver(Told(source.channel, events, by, entities))
        outcomes |= {line.row: answer for line, answer in zip(batch, answers, strict=True)}
    counted = Counter(outcomes[line.row].outcome if line.row in outcomes else REFUSED for line in lines)
    file = File(
        entity_id=source.entity_id, source_id=source.id, name=name, digest=digest, left_at=left_at, rows=len(lines),
        posted=counted["posted"], refused=counted[REFUSED], outcome=outcome_csv(lines, outcomes),
    )  # fmt: skip
    return run(lambda session, now: services.keep(session, file, by=by, now=now), entities=entities)
