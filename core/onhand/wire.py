"""The wire of hot commands: prepared statements over libpq's pipeline, answers awaited only where they are read.

psycopg adapts values and speaks the protocol; what is left out is a cursor per statement, which costs more than the
statement: 10 µs of client CPU instead of 60.
"""

import re
import select
import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, lru_cache
from typing import Any, Self

import psycopg
from psycopg import errors
from psycopg.adapt import PyFormat, Transformer
from psycopg.pq import ExecStatus, PipelineStatus, TransactionStatus
from psycopg.pq.abc import PGresult
from psycopg.rows import TupleRow

__all__ = [
    "NOT_PREPARED",
    "ForeignWrite",
    "LostTransaction",
    "Params",
    "Pending",
    "Wire",
    "WireCursor",
    "check_own",
    "work",
]

PREPARED_MAX = 300
SMALL_BYTES_MAX = 2_500
"""Of one statement's values. In a transaction with larger ones statements are sent when an answer is wanted: there the
server and its clients keep all processors busy as it is, and gain nothing by taking turns at every statement."""
PLACEHOLDER = re.compile(r"%%|%s|%\((\w+)\)s")
FAILED = frozenset({ExecStatus.FATAL_ERROR, ExecStatus.BAD_RESPONSE})
WITH_ROWS = ExecStatus.TUPLES_OK
NOT_PREPARED = errors.InvalidSqlStatementName.sqlstate
"""What an ordinary command's rollback leads to: psycopg deallocates everything then. The command is run again."""
IN, OUT = select.POLLIN, select.POLLOUT
Params = Sequence[Any] | Mapping[str, Any]


class LostTransaction(RuntimeError):
    """A command swallowed an error of the database; what it did is rolled back. Errors are for `run` to judge."""


ENDING = re.compile(
    r"(?i)\s*(?:/\*.*?\*/\s*)*(?:COMMIT|ROLLBACK(?!\s+TO)|END|ABORT|BEGIN|START\s+TRANSACTION|PREPARE\s+TRANSACTION)\b"
)
WRITING = re.compile(
    r"(?i)\b(?:INSERT\s+INTO|UPDATE(?:\s+ONLY)?|DELETE\s+FROM(?:\s+ONLY)?|MERGE\s+INTO|TRUNCATE(?:\s+TABLE)?|COPY)\s+"
    r'"?(\w+)"?\."?(\w+)"?'
)
BECOMING = re.compile(r"(?i)\bSET\s+(?:LOCAL\s+|SESSION\s+)?(?:ROLE|SESSION\s+AUTHORIZATION)\b")
COMMON = "onhand"


class Work(threading.local):
    """What this thread is at: `owner` is whose tables alone it may write, the empty text for nobody's."""

    owner: str | None = None


work = Work()


class ForeignWrite(RuntimeError):
    """A hook would write what is not its add-on's, or as somebody else. Others' tables change by others' verbs."""


@lru_cache(maxsize=4_096)
def check_own(query: str, owner: str) -> None:
    """Raise ForeignWrite for a statement that an add-on may not send inside a hook; what the core keeps is common."""
    allowed = {owner, COMMON} if owner else set()
    for schema, table in WRITING.findall(query):
        if schema.lower() not in allowed:
            whose = "which is not its own" if owner else "and a guard writes nothing"
            raise ForeignWrite(f"it writes {schema}.{table}, {whose}")
    if BECOMING.search(query):
        raise ForeignWrite("it takes another role")
    if ENDING.match(query):
        raise ForeignWrite("it ends the transaction, or begins another")


class Pending:
    """A statement that was sent, and its answer once that has come."""

    __slots__ = ("result",)

    def __init__(self) -> None:
        self.result: PGresult | None = None


class WireCursor:
    """What `onhand.db.cursor` gives inside a hot command: execute now, read when the answer is needed.

    Executing again leaves the answer before it unread; its error, if it is one, still ends the transaction.
    """

    __slots__ = ("_next_row", "_pending", "_rows", "_wire")

    def __init__(self, wire: "Wire") -> None:
        self._wire = wire
        self._pending = Pending()
        self._rows: list[TupleRow] | None = None
        self._next_row = 0

    @property
    def connection(self) -> psycopg.Connection[TupleRow]:
        """The connection that the transaction runs on."""
        return self._wire.connection

    @property
    def rowcount(self) -> int:
        """How many rows the statement returned or changed."""
        return self._answer().command_tuples or 0

    def execute(self, query: Any, params: Params | None = None, /) -> Self:
        """Send a statement; nothing is awaited."""
        self._pending, self._rows, self._next_row = Pending(), None, 0
        self._wire.send(query, params or (), self._pending)
        return self

    def fetchall(self) -> list[TupleRow]:
        """Return the rows not yet read, once they have come; raise what any statement so far has failed with."""
        rows = self._all()
        rest = rows[self._next_row :] if self._next_row else rows
        self._next_row = len(rows)
        return rest

    def fetchone(self) -> TupleRow | None:
        """Return the next row, None after the last."""
        rows = self._all()
        if self._next_row >= len(rows):
            return None
        self._next_row += 1
        return rows[self._next_row - 1]

    def __iter__(self) -> Iterator[TupleRow]:
        return iter(self.fetchall())

    def _answer(self) -> PGresult:
        return self._pending.result or self._wire.read(self._pending)

    def _all(self) -> list[TupleRow]:
        if self._rows is None:
            self._rows = self._wire.load(self._answer())
        return self._rows


class Wire:
    """One connection's hot statements. Kept as long as the connection, for what is prepared on it; one thread at a time."""

    __slots__ = ("_adapt", "_awaited", "_is_small", "_number", "_pg", "_poll", "_prepared", "connection")

    def __init__(self, connection: psycopg.Connection[TupleRow]) -> None:
        self.connection = connection
        self._pg = connection.pgconn
        self._adapt = Transformer(connection)
        self._prepared: dict[tuple[str, tuple[int, ...]], bytes] = {}
        self._number = 0
        self._is_small = True
        self._awaited: deque[Pending | tuple[str, tuple[int, ...]] | None] = deque()
        self._poll = select.poll()
        self._poll.register(self._pg.socket, IN)

    def begin(self) -> None:
        """Open a transaction, unless one is open; nothing is awaited."""
        self._is_small = True
        if self._pg.transaction_status == TransactionStatus.IDLE:
            self._enter()
            self._pg.send_query_params(b"BEGIN", None)
            self._awaited.append(None)

    def cursor(self) -> WireCursor:
        """Return a cursor of this transaction."""
        return WireCursor(self)

    def send(self, query: str, params: Params, pending: Pending) -> None:
        """Send a statement, prepared on its first use, whose answer `pending` will have."""
        if work.owner is not None:
            check_own(query, work.owner)
        self._enter()
        text, names = _numbered(query)
        values = [params[name] for name in names] if isinstance(params, Mapping) else params
        given = self._adapt.dump_sequence(values, _formats(len(values)))
        types = tuple(self._adapt.types or ())
        prepared = self._prepared.get((query, types))
        if prepared is None:
            if len(self._prepared) >= PREPARED_MAX:
                self._pg.send_query_params(text, given, types, self._adapt.formats)
                self._awaited.append(pending)
                return
            self._number += 1
            prepared = self._prepared[query, types] = b"oh%d" % self._number
            self._pg.send_prepare(prepared, text, types)
            self._awaited.append((query, types))
        self._pg.send_query_prepared(prepared, given, self._adapt.formats)
        self._awaited.append(pending)
        if self._is_small and sum([len(value) for value in given if value is not None]) > SMALL_BYTES_MAX:
            self._is_small = False
        if self._is_small:
            self._pg.flush()  # the server works on this one while the next is made

    def read(self, pending: Pending) -> PGresult:
        """Wait for an answer, and so for all before it, and return it; raise the first error among them."""
        self._pg.send_flush_request()
        self._flush()
        while pending.result is None:
            self._take()
        return pending.result

    def load(self, result: PGresult) -> list[TupleRow]:
        """Return the rows of an answer as Python values."""
        if result.status != WITH_ROWS:
            return []
        self._adapt.set_pgresult(result)
        return self._adapt.load_rows(0, result.ntuples, tuple)

    def commit(self) -> None:
        """Commit with the statements not yet answered, and raise what any of them failed with.

        LostTransaction where one had failed before and nobody said so: then nothing is committed.
        """
        if self._pg.transaction_status == TransactionStatus.INERROR:
            raise LostTransaction(LOST)
        self._enter()
        self._pg.send_query_params(b"COMMIT", None)
        ended = Pending()
        self._awaited.append(ended)
        self._sync()
        if ended.result is None or ended.result.command_status != b"COMMIT":
            raise LostTransaction(LOST)

    def pause(self) -> None:
        """Leave the pipeline, all answers read, so that the connection serves ordinary cursors."""
        if self._pg.pipeline_status != PipelineStatus.OFF:
            self._sync()

    def abandon(self) -> None:
        """Give up what is under way and roll back. Raises only when the connection is lost."""
        while self._pg.pipeline_status != PipelineStatus.OFF:
            try:
                self._sync()
            except errors.Error:
                if self._pg.status != psycopg.pq.ConnStatus.OK:
                    raise
        if self._pg.transaction_status != TransactionStatus.IDLE:
            # Not `connection.rollback`, which would have all that is prepared forgotten.
            self._enter()
            self._pg.send_query_params(b"ROLLBACK", None)
            self._awaited.append(None)
            self._sync()

    def _enter(self) -> None:
        if self._pg.pipeline_status == PipelineStatus.OFF:
            self._pg.enter_pipeline_mode()

    def _sync(self) -> None:
        self._pg.pipeline_sync()
        self._flush()
        failed: errors.Error | None = None
        while self._awaited:
            try:
                self._take()
            except errors.Error as error:
                if self._pg.status != psycopg.pq.ConnStatus.OK:
                    raise
                failed = failed or error
        while self._result().status != ExecStatus.PIPELINE_SYNC:
            pass
        self._pg.exit_pipeline_mode()
        if failed is not None:
            raise failed

    def _take(self) -> None:
        """Wait for the next answer; raise if it is an error."""
        result = self._result()
        owner = self._awaited.popleft()
        if result.status == ExecStatus.PIPELINE_ABORTED or result.status in FAILED:
            if isinstance(owner, tuple):
                self._prepared.pop(owner, None)
            if result.status in FAILED:
                error = errors.error_from_result(result)
                if error.sqlstate == NOT_PREPARED:
                    self._prepared.clear()
                raise error
        if isinstance(owner, Pending):
            owner.result = result

    def _result(self) -> PGresult:
        pg = self._pg
        while True:
            while pg.is_busy():
                self._poll.poll()
                pg.consume_input()
            result = pg.get_result()
            if result is not None:
                return result

    def _flush(self) -> None:
        pg = self._pg
        while pg.flush():
            self._poll.modify(pg.socket, IN | OUT)
            try:
                for _, ready in self._poll.poll():
                    if ready & IN:
                        pg.consume_input()
            finally:
                self._poll.modify(pg.socket, IN)


LOST = "a statement failed and the command went on as if it had not: nothing was committed"


@cache
def _numbered(query: str) -> tuple[bytes, tuple[str, ...]]:
    """Return a query with PostgreSQL's own placeholders, and the names they stand for where they are named."""
    names: list[str] = []
    count = 0

    def numbered(found: re.Match[str]) -> str:
        nonlocal count
        if found[0] == "%%":
            return "%"
        if found[1] is None:
            count += 1
            return f"${count}"
        if found[1] not in names:
            names.append(found[1])
        return f"${names.index(found[1]) + 1}"

    return PLACEHOLDER.sub(numbered, query).encode(), tuple(names)


@cache
def _formats(count: int) -> list[PyFormat]:
    return [PyFormat.AUTO] * count
