"""Traps: which statement of which process a fault waits for, and what it does there."""

import threading
from dataclasses import dataclass, field
from typing import Literal

__all__ = ["POINTS", "Act", "Trap", "When"]

Act = Literal["kill", "cut", "terminate"]
"""`kill`: SIGKILL to the process that sent the statement; `cut`: its connection; `terminate`: the server's end of it."""
When = Literal["before", "after"]
"""The server never sees the statement, or has carried it out and its answer reaches nobody."""

PROMISE = (
    "run.open", "idempotency.claim", "idempotency.store", "post.role", "post.missing", "post.lock", "post.balance",
    "post.numbers", "post.movement", "post.unrole", "COMMIT",
)  # fmt: skip
POINTS: dict[str, tuple[str, ...]] = {
    "web": (
        *PROMISE,
        "idempotency.found",
        "hold.source",
        "hold.insert",
        "refusal.note",
        "hold.lock",
        "hold.read_lines",
        "hold.confirm",
        "hold.extend",
        "hold.release_lines",
        "hold.fulfil_lines",
        "hold.settle",
        "inbox.keep",
        "inbox.first_bodies",
        "inbox.keep_conflicts",
        "order_line.add",
        "order_line.cancelled",
        "claim.find",
        "claim.lines",
        "claim.close",
        "shortage.open",
        "shortage.standing",
        "shortage.clear",
        "outbox.write",
        "COMMIT",
        "COMMIT",
        "COMMIT",
    ),
    "worker": (
        "run.open",
        "job.claim",
        "cancel.find",
        "hold.release_lines",
        "post.movement",
        "exceptions.turn",
        "exceptions.open",
        "exceptions.reported",
        "exceptions.occurred",
        "exceptions.sum_up",
        "exceptions.tell",
        "COMMIT",
        "COMMIT",
    ),
    "scheduler": (
        "run.open",
        *["outbox.claim", "job.insert"] * 2,
        "job.sweep",
        "expiry.due",
        "post.movement",
        "hold.settle",
        "COMMIT",
        "COMMIT",
    ),
}
"""The statements each process is struck at. Those that write are followed by others, so both sides of them count."""


@dataclass(eq=False)
class Trap:
    """Waits for one statement: by its name, or as the `number`-th of its transaction."""

    role: str
    when: When
    act: Act
    point: str = ""
    number: int = 0
    sprung: threading.Event = field(default_factory=threading.Event)

    def catches(self, role: str, when: When, point: str, number: int) -> bool:
        """Whether this statement is the one; true at most once."""
        if self.role != role or self.when != when or self.sprung.is_set():
            return False
        if (point != self.point) if self.point else (number != self.number):
            return False
        self.point = point
        self.sprung.set()
        return True

    def __str__(self) -> str:
        where = f"statement {self.number} ({self.point or '?'})" if self.number else self.point
        return f"{self.act} {self.role} {self.when} {where}"
