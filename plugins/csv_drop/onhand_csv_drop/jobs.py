"""What the clock does: look into the folders."""

from collections.abc import Sequence
from datetime import datetime

import structlog
from onhand.actors import Actor
from onhand.jobs import actor
from onhand.policies.book import Where
from onhand.policies.services import resolve
from onhand.transaction import run
from sqlalchemy.orm import Session

from onhand_csv_drop import folders, queries
from onhand_csv_drop.models import Source
from onhand_csv_drop.taking import take

__all__ = ["watch"]

WATCH = Actor.system("csv-drop")


@actor(attempts=3)
def watch(entities: Sequence[int]) -> None:
    """Take the files that lie in folders. Twice is harmless: a file that was taken answers as it did, and is put away."""

    def load(session: Session, now: datetime) -> list[tuple[Source, int, datetime]]:
        found = queries.sources(session, entities)
        return [
            (one, int(resolve(session, folders.QUIET, Where(entity_id=one.entity_id), at=now)), now) for one in found
        ]

    for source, quiet_seconds, now in run(load, entities=entities):
        folder = folders.folder_of(source.name)
        try:
            for found in folders.ready(folder, now, quiet_seconds) if folder else ():
                file = take(source, found.path.name, found.data, left_at=found.left_at, by=WATCH)
                folders.put_away(found.path, file.outcome, at=file.recorded_at, is_failed=file.refused > 0)
        except OSError as error:  # one folder that cannot be read or written keeps no other from being emptied
            structlog.get_logger().error("csv_drop.folder", source=source.name, error=str(error))
