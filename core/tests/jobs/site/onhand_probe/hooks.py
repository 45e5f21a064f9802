from collections.abc import Sequence
from datetime import datetime

from onhand.hooks import observe
from sqlalchemy.orm import Session

from onhand_probe.events import NobodyCares, ThingHeard, ThingSeen


@observe
def thing_seen(session: Session, event: ThingSeen, now: datetime) -> None:
    """observe: a thing was seen."""


@observe
def thing_heard(session: Session, events: Sequence[ThingHeard], now: datetime) -> None:
    """observe, in lists: a thing was heard."""


@observe
def nobody_cares(session: Session, event: NobodyCares, now: datetime) -> None:
    """observe: something no add-on implements."""
