"""When a batch cannot be posted: find the members at fault, and let the others through."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import structlog
from onhand.addons import failure_of
from onhand.problems import Problem
from psycopg import InterfaceError, OperationalError
from sqlalchemy.exc import InterfaceError as EngineInterfaceError
from sqlalchemy.exc import OperationalError as EngineOperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from onhand_channels.values import Fault, Outcome

__all__ = ["is_nobodys_fault", "piecemeal"]

T = TypeVar("T")
TRANSIENT = (OperationalError, InterfaceError, EngineOperationalError, EngineInterfaceError, PoolTimeout)


def piecemeal(
    members: Sequence[T],
    attempt: Callable[[Sequence[T]], list[Outcome]],
    give_up: Callable[[T, Fault], list[Outcome]],
) -> list[Outcome]:
    """Attempt all members in one transaction; where that fails, halves of them, down to the single ones at fault.

    Each attempt is a transaction of its own, and members are attempted in their order. One that fails alone is given up
    with the fault that says so. A database that is away or overloaded is nobody's fault: that is raised, and what was
    done until then is found done when the same is sent again.
    """
    try:
        return attempt(members)
    except Exception as error:
        if is_nobodys_fault(error):
            raise
        if len(members) == 1:
            structlog.get_logger().exception("channels.posting_failed")
            failure = failure_of(error)
            return give_up(
                members[0],
                Fault("posting_failed", failure.outline if failure else f"posting it raised {type(error).__name__}"),
            )
    middle = len(members) // 2
    return [
        *piecemeal(members[:middle], attempt, give_up),
        *piecemeal(members[middle:], attempt, give_up),
    ]


def is_nobodys_fault(error: Exception) -> bool:
    """Tell refusals, and a database that is away or overloaded, from what a member did: the whole is to be answered so."""
    return isinstance(error, (*TRANSIENT, Problem))
