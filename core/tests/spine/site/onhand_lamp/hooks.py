from datetime import datetime

from onhand.hooks import contribute, decide, observe
from sqlalchemy.orm import Session

from onhand_lamp.events import LightSwitched


@contribute
def colours() -> list[str]:
    """contribute, at start-up: colours of light. Raising stops the start."""
    return []


@decide
def brightest(entity_id: int, now: datetime) -> str | None:
    """decide, before a light is lit: which is the brightest. Raising refuses it."""


@decide
def dimmest(entity_id: int) -> str | None:
    """decide, never: a hook that nobody implements. Raising does nothing."""


@observe
def light_switched(session: Session, event: LightSwitched, now: datetime) -> None:
    """observe, after the commit: a light was switched. Raising is retried, then parked."""
