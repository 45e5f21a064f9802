"""PostgreSQL's wire protocol, as far as needed to see which statement a connection begins and which one has ended.

Statements are named by the comment they carry (`/* post.movement */`), or by their first word (`COMMIT`). The extended
protocol sends the text in Parse only, once per connection for a prepared one, so names are remembered.
"""

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

__all__ = ["CANCEL", "ENCRYPTION", "Backend", "Frontend", "startup"]

COMMENT = re.compile(rb"/\* ([a-z_.]+) \*/")
WORD = re.compile(rb"\s*([A-Za-z]+)")
HEADER = 5
ENCRYPTION = (80877103, 80877104)
"""SSLRequest and GSSENCRequest: to be answered N."""
CANCEL = 80877102
SYNC = "sync"


def startup(buffer: bytes) -> tuple[int, int] | None:
    """Return (length, code) of the message without type that begins a connection, once its head is there."""
    return (int.from_bytes(buffer[:4]), int.from_bytes(buffer[4:8])) if len(buffer) >= 8 else None


def point_of(sql: bytes) -> str:
    """Return the name of a statement."""
    if (comment := COMMENT.search(sql, 0, 200)) is not None:
        return comment[1].decode()
    word = WORD.match(sql)
    return word[1].decode().upper() if word else ""


class Messages:
    """Cuts one direction of a connection into whole messages: (type, body, the bytes to send on)."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes, bytes]]:
        """Yield the messages that are whole by now."""
        buffer = self._rest + data
        start = 0
        while len(buffer) - start >= HEADER:
            end = start + 1 + int.from_bytes(buffer[start + 1 : start + HEADER])
            if end > len(buffer):
                break
            yield buffer[start], buffer[start + HEADER : end], buffer[start:end]
            start = end
        self._rest = buffer[start:]


@dataclass(slots=True)
class Frontend:
    """What the client says: remembers the names of its statements, and what it still awaits the end of."""

    messages: Messages = field(default_factory=Messages)
    awaited: deque[str] = field(default_factory=deque)
    statements: dict[bytes, str] = field(default_factory=dict)
    portals: dict[bytes, str] = field(default_factory=dict)
    number: int = 0
    """which statement of its transaction began last, counted from 1"""

    def begins(self, kind: int, body: bytes) -> str | None:
        """Return the name of the statement that this message begins, if it begins one. Told of every message."""
        if kind == ord("P"):
            name, sql = body.split(b"\0", 1)
            self.statements[name] = point_of(sql)
        elif kind == ord("B"):
            portal, statement, _ = body.split(b"\0", 2)
            self.portals[portal] = self.statements.get(statement, "")
            return self._count(self.portals[portal])
        elif kind == ord("E"):
            self.awaited.append(self.portals.get(body.split(b"\0", 1)[0], ""))
        elif kind == ord("S"):
            self.awaited.append(SYNC)
        elif kind == ord("Q"):
            point = point_of(body)
            self.awaited.extend((point, SYNC))
            return self._count(point)
        return None

    def _count(self, point: str) -> str:
        self.number = 0 if point == "BEGIN" else self.number + 1
        return point


@dataclass(slots=True)
class Backend:
    """What the server answers: says which of the awaited statements has ended well."""

    frontend: Frontend
    messages: Messages = field(default_factory=Messages)
    pid: int = 0

    def ends(self, kind: int, body: bytes) -> str | None:
        """Return the name of the statement whose end this message tells, if it tells one. Told of every message."""
        awaited = self.frontend.awaited
        if kind == ord("K"):
            self.pid = int.from_bytes(body[:4])
        elif kind in b"CIs":
            return awaited.popleft() if awaited and awaited[0] != SYNC else None
        elif kind == ord("E"):  # the server skips everything up to the next Sync
            while awaited and awaited[0] != SYNC:
                awaited.popleft()
        elif kind == ord("Z") and awaited and awaited[0] == SYNC:
            awaited.popleft()
        return None
