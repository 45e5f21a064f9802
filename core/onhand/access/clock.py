"""The database's clock at the door, before a transaction is open."""

import time
from datetime import UTC, datetime, timedelta

__all__ = ["DoorClock"]


class DoorClock:
    """Tells the database's time without asking: what it last said, plus what has passed here since.

    A host's own clock decides nothing. Good enough to choose what is worth asking; verbs judge again by their `now`.
    """

    def __init__(self) -> None:
        self._said: tuple[datetime, float] = (datetime.min.replace(tzinfo=UTC), 0.0)

    def heard(self, now: datetime) -> None:
        """Take note of what the database's clock shows at this moment."""
        self._said = (now, time.monotonic())

    def now(self) -> datetime:
        """Return the database's time."""
        said, at = self._said
        return said + timedelta(seconds=time.monotonic() - at)
