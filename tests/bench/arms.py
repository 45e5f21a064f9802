"""The arms by name, in the order they are run: what is measured, with how many callers, and against what."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bench import books, doors, expiry, growth, holds, hooks, settling
from bench.measure import Figure, Plan
from bench.stage import Stage

__all__ = ["Arm", "every"]


@dataclass(frozen=True, slots=True)
class Arm:
    """Something measured under a name."""

    name: str
    run: Callable[[Stage, Plan], Iterator[Figure]]


def every(*, large: bool) -> list[Arm]:
    """Return all arms; `large` ones fill a database of their own first, which takes minutes."""
    arms = [
        Arm("hold.spread.process", holds.arm("spread", "process")),
        Arm("hold.spread.threads", holds.arm("spread", "threads")),
        Arm("hold.spread.http", holds.arm("spread", "http")),
        Arm("hold.hot.process", holds.arm("hot", "process")),
        Arm("hold.hot.http", holds.arm("hot", "http")),
        Arm("hold.lines5.process", holds.arm("lines5", "process")),
        Arm("hold.lines5.http", holds.arm("lines5", "http")),
        Arm("confirm", settling.arm("confirm")),
        Arm("fulfil", settling.arm("fulfil")),
        Arm("release", settling.arm("release")),
        Arm("expire", expiry.expire),
        Arm("intake.http", doors.intake),
        Arm("atp.http", doors.atp),
        Arm("verify", books.verify),
        Arm("asof", books.asof),
        Arm("hooks", hooks.hooks),
    ]
    if large:
        arms += [Arm(f"growth.{what}", growth.arm(what)) for what in growth.DOORS]
    return arms
