"""What a finding does to a cause's history: a pure decision, so that it can be read and tested without a database."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

__all__ = ["Latest", "Step", "decide"]

Step = Literal["open", "reopen", "attach", "leave"]


@dataclass(frozen=True, slots=True)
class Latest:
    """The newest episode of a cause; `resolved_at` None means it is open."""

    id: UUID
    episode: int
    resolved_at: datetime | None = None
    by_person: bool = False


def decide(latest: Latest | None, *, fresh: bool, holds: bool, now: datetime, quiet: timedelta) -> Step:
    """Return what to do about a cause for which there is `fresh` evidence, or which `holds`, or both or neither.

    What holds is open, with one exception: after a person resolved it, only fresh evidence brings it back. What comes
    back before it was `quiet` long enough reopens its episode; later it opens the next. Fresh evidence of what is
    already gone is kept with the episode it belongs to (or opens one, which then closes at once).
    """
    if latest is None:
        return "open" if fresh or holds else "leave"
    if latest.resolved_at is None:
        return "attach"
    recurs = holds and (fresh or not latest.by_person)
    if not recurs and not fresh:
        return "leave"
    if now - latest.resolved_at >= quiet:
        return "open"
    return "reopen" if recurs else "attach"
