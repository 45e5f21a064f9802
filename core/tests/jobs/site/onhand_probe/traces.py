"""Traces in the database, and the ways in which work goes wrong."""

import os
import signal
import time
from pathlib import Path

from onhand.db import cursor
from sqlalchemy.orm import Session


class Unwell(Exception):
    """Work that failed because it was told to."""


def leave(session: Session, entity_id: int, observer: str, number: int) -> None:
    cursor(session).execute(
        "INSERT INTO probe.trace (entity_id, observer, number, process) VALUES (%s, %s, %s, %s)",
        (entity_id, observer, number, os.getpid()),
    )


def suffer(mood: str) -> None:
    """`raise`; `kill`: this process, every time; `kill-once:PATH`: unless the file is there; `sleep:SECONDS`."""
    verb, _, rest = mood.partition(":")
    if verb == "raise":
        raise Unwell(mood)
    if verb == "sleep":
        time.sleep(float(rest))
    if verb == "kill" or (verb == "kill-once" and not Path(rest).exists()):
        if rest:
            Path(rest).touch()
        os.kill(os.getpid(), signal.SIGKILL)
