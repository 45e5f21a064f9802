"""Count what reaches the database, raw cursors included: a batch's statements must not grow with the batch."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.rows import TupleRow
from sqlalchemy import Engine, event

from onhand.db import WIRE
from onhand.wire import Params, Pending, Wire

__all__ = ["Statements", "record", "watch"]


class Statements(list[str]):
    """The texts executed while recording, in order, those of other threads included; `len` is how many."""

    def starting(self, prefix: str) -> list[str]:
        """Return those that begin with a word or marker, `/* post.write */` say."""
        return [text for text in self if text.lstrip().startswith(prefix)]


class _Recorders:
    def __init__(self) -> None:
        self.active: tuple[Statements, ...] = ()
        self.lock = threading.Lock()

    def tell(self, query: Any, times: int = 1) -> None:
        for recorder in self.active:
            recorder.extend([_text(query)] * times)


_recorders = _Recorders()


class _RecordingCursor(psycopg.Cursor[TupleRow]):
    """A cursor that tells who records. Each set of parameters of `executemany` is a statement."""

    def execute(self, query: Any, *rest: Any, **more: Any) -> Any:
        _recorders.tell(query)
        return super().execute(query, *rest, **more)

    def executemany(self, query: Any, params_seq: Any, **more: Any) -> Any:
        sets = list(params_seq)
        _recorders.tell(query, len(sets))
        return super().executemany(query, sets, **more)

    def copy(self, statement: Any, *rest: Any, **more: Any) -> Any:
        _recorders.tell(statement)
        return super().copy(statement, *rest, **more)


class _RecordingWire(Wire):
    """A wire that tells who records."""

    __slots__ = ()

    def send(self, query: str, params: Params, pending: Pending) -> None:
        _recorders.tell(query)
        super().send(query, params, pending)


def watch(engine: Engine) -> None:
    """Have every connection that the engine opens from now on tell its statements, those of hot commands included."""

    @event.listens_for(engine, "connect")
    def _(connection: Any, record: Any) -> None:
        connection.cursor_factory = _RecordingCursor
        record.info[WIRE] = _RecordingWire(connection)


@contextmanager
def record() -> Iterator[Statements]:
    """Record the statements of all watched engines while the block lasts. BEGIN and COMMIT are none."""
    seen = Statements()
    with _recorders.lock:
        _recorders.active = (*_recorders.active, seen)
    try:
        yield seen
    finally:
        with _recorders.lock:
            _recorders.active = tuple(one for one in _recorders.active if one is not seen)


def _text(query: Any) -> str:
    if isinstance(query, bytes):
        return query.decode()
    return query if isinstance(query, str) else query.as_string(None)
