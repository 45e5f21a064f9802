"""Dry runs: a command is carried out as ever, and what it did is undone."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy.orm import Session

__all__ = ["rehearse"]

T = TypeVar("T")
Command = Callable[[Session, datetime], T]


class _Undone(Exception):
    """Carries the outcome out of the transaction that must not be kept."""

    def __init__(self, outcome: Any) -> None:
        self.outcome = outcome
        super().__init__("a dry run")


def rehearse(door: Callable[[Command[T]], T], command: Command[T], *, dry_run: bool = True) -> T:
    """Run a command through a door (`in_scope`, `run`) and return its outcome; with `dry_run` nothing of it is kept.

    What the database would refuse at the end of the transaction is refused in a dry run as well.
    """
    if not dry_run:
        return door(command)

    def undone(session: Session, now: datetime) -> T:
        outcome = command(session, now)
        session.flush()
        raise _Undone(outcome)

    try:
        return door(undone)
    except _Undone as done:
        kept: T = done.outcome
        return kept
