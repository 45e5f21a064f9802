"""The database session, the declarative base, and the raw cursor of the hot path."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from typing import Any, Literal, Protocol, Self, cast

import psycopg
from flask_sqlalchemy import SQLAlchemy
from flask_sqlalchemy.session import Session as FlaskSession
from psycopg.pq import PipelineStatus, TransactionStatus
from psycopg.rows import TupleRow
from sqlalchemy import BigInteger, Connection, DateTime, Engine, MetaData, Text, event
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Session, registry
from sqlalchemy.schema import SchemaItem

from onhand.wire import Wire, check_own, work

__all__ = [
    "MAY_END",
    "WIRE",
    "Base",
    "BigInt",
    "Cursor",
    "HotSession",
    "OwnEnd",
    "TableScope",
    "bytes_array",
    "cursor",
    "db",
    "driver",
    "int_array",
    "pipeline",
    "still_open",
    "table",
    "take_turn",
    "text_array",
    "time_array",
    "work",
]

TableScope = Literal["entity", "group", "system"]
BigInt = BigInteger

DRIVER = "onhand_driver"
WIRE = "onhand_wire"
"""Where a pooled connection keeps its wire."""
TURNS = 0x6F6E6861  # "onha": our locks among the database's advisory ones
NAMES = {
    "ix": "%(table_name)s_%(column_0_N_name)s_idx",
    "uq": "%(table_name)s_%(column_0_N_name)s_key",
    "ck": "%(table_name)s_%(constraint_name)s_check",
    "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
    "pk": "%(table_name)s_pkey",
}


class Base(DeclarativeBase):
    """Every table of every distribution. Constraint names are PostgreSQL's own."""

    metadata = MetaData(naming_convention=NAMES)
    registry = registry(
        metadata=metadata,
        type_annotation_map={datetime: DateTime(timezone=True), str: Text, dict[str, Any]: JSONB},
    )


MAY_END = "onhand_may_end"
"""Set in a session's `info` when `run` ends it; nobody else may."""


class OwnEnd(RuntimeError):
    """A command, or a hook in it, ended the transaction it works in. `run` alone commits, when all of it is done."""

    def __init__(self) -> None:
        super().__init__(
            "the transaction was ended from inside; it is not a hook's, nor a verb's, to commit or roll back"
        )


class _Kept:
    """What keeps a session open until `run` ends it."""

    info: dict[Any, Any]

    def commit(self) -> None:
        """Commit, for `run`; OwnEnd for anybody else."""
        self._check()
        super().commit()  # type: ignore[misc]

    def rollback(self) -> None:
        """Roll back, for `run`; OwnEnd for anybody else."""
        self._check()
        super().rollback()  # type: ignore[misc]

    def close(self) -> None:
        """Close, for `run`; OwnEnd for anybody else."""
        self._check()
        super().close()  # type: ignore[misc]

    def _check(self) -> None:
        if "onhand" in self.info and MAY_END not in self.info:
            raise OwnEnd


class CommandSession(_Kept, FlaskSession):
    """The session of an ordinary command."""


db = SQLAlchemy(model_class=Base, session_options={"class_": CommandSession})


def table(*constraints: SchemaItem, schema: str, scope: TableScope) -> tuple[Any, ...]:
    """Return a model's `__table_args__`: its schema, and who may see its rows.

    `entity`: rows carry `entity_id` and are walled off by row-level security. `group`: shared by all entities.
    `system`: plumbing without a business meaning.
    """
    return (*constraints, {"schema": schema, "info": {"scope": scope}})


class Cursor(Protocol):
    """What set-based SQL needs of a cursor: psycopg's own has it, and so has that of a hot command."""

    @property
    def connection(self) -> psycopg.Connection[TupleRow]:
        """The connection that the transaction runs on."""

    @property
    def rowcount(self) -> int:
        """How many rows the statement returned or changed."""

    def execute(self, query: Any, params: Sequence[Any] | Mapping[str, Any] | None = None, /) -> Self:
        """Execute a statement; in a hot command its answer is awaited only when it is read."""

    def fetchone(self) -> TupleRow | None:
        """Return the next row, None after the last."""

    def fetchall(self) -> list[TupleRow]:
        """Return the rows not yet read."""

    def __iter__(self) -> Iterator[TupleRow]:
        """Yield the rows not yet read."""


class HotSession(_Kept, Session):
    """The session of a hot command: its cursors speak through the wire; the ORM, if a hook wants it, waits for them."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(bind=connection)
        found = connection.connection
        wire = found.info.get(WIRE)
        if wire is None:
            wire = found.info[WIRE] = Wire(cast(psycopg.Connection[TupleRow], found.driver_connection))
        self.wire: Wire = wire


@event.listens_for(Engine, "before_cursor_execute")
def _pause_wire(connection: Connection, _: Any, statement: str, *__: Any) -> None:
    """Let an ordinary statement of a hot command find the connection as it wants it; a hook writes its own tables."""
    if work.owner is not None:
        check_own(statement, work.owner)
    wire: Wire | None = connection.info.get(WIRE)
    if wire is not None:
        wire.pause()


def cursor(session: Session) -> Cursor:
    """Return a cursor inside the session's transaction, for set-based SQL over arrays.

    One statement over arrays costs a tenth of the ORM's path; errors are psycopg's own and `run` knows them.
    """
    if isinstance(session, HotSession):
        return session.wire.cursor()
    connection = driver(session)
    return connection.cursor() if work.owner is None else _OwnCursor(connection)


class _OwnCursor(psycopg.Cursor[TupleRow]):
    """A cursor inside a hook that may write its own tables alone."""

    def execute(self, query: Any, *rest: Any, **more: Any) -> Self:
        if work.owner is not None and isinstance(query, str):
            check_own(query, work.owner)
        return super().execute(query, *rest, **more)


def driver(session: Session) -> psycopg.Connection[TupleRow]:
    """Return the psycopg connection of the session's transaction; looked up once, since asking costs 20 µs."""
    if isinstance(session, HotSession):
        return session.wire.connection
    connection: psycopg.Connection[TupleRow] | None = session.info.get(DRIVER)
    if connection is None or session.in_nested_transaction():  # a savepoint is made when the session first needs it
        found = session.connection().connection.driver_connection
        connection = session.info[DRIVER] = cast(psycopg.Connection[TupleRow], found)
    return connection


def still_open(session: Session) -> None:
    """Raise OwnEnd where the session's transaction was ended by SQL, COMMIT say.

    In a pipeline nobody knows yet; there the wire refuses to send such a statement.
    """
    if isinstance(session, HotSession):
        pgconn = session.wire.connection.pgconn
    else:
        known = session.info.get(DRIVER)
        if known is None:
            return
        pgconn = known.pgconn
    if pgconn.pipeline_status == PipelineStatus.OFF and pgconn.transaction_status == TransactionStatus.IDLE:
        raise OwnEnd


def take_turn(session: Session, table: str) -> None:
    """Wait until no other transaction has the turn of this table, and keep it to the end of this one.

    For tables that few write and whose readers go by `max(id)`: ids become visible in their order, so none is missed.
    What was read before the turn may be out of date by now.
    """
    cursor(session).execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", (TURNS, table))


def pipeline(session: Session) -> AbstractContextManager[Any]:
    """Send the statements executed inside the block without awaiting their answers, until one is read or it ends.

    Inside only what `cursor` gives may be used: the ORM wants every answer at once. Blocks may be nested; the outermost
    counts. A hot command is one such block from beginning to end.
    """
    if isinstance(session, HotSession):
        return nullcontext()
    connection = driver(session)
    if connection.pgconn.pipeline_status != PipelineStatus.OFF:
        return nullcontext()
    return connection.pipeline()


def int_array(values: Iterable[int | None]) -> str:
    """Return numbers as the text of a PostgreSQL array, to be bound as one parameter (`%s::bigint[]`).

    psycopg adapts lists element by element, which costs five to seven times as much on a list of a thousand.
    """
    numbers = list(values)
    if numbers and numbers.count(numbers[0]) == len(numbers):  # as a batch's entity, say
        texts = ["NULL" if numbers[0] is None else str(numbers[0])] * len(numbers)
    else:
        texts = ["NULL" if value is None else str(value) for value in numbers]
    return "{" + ",".join(texts) + "}"


def text_array(values: Iterable[str | None]) -> str:
    """Return texts as the text of a PostgreSQL array, quoted and escaped, to be bound as one parameter (`%s::text[]`)."""
    texts = list(values)
    if None not in texts:
        joined = '","'.join(cast(list[str], texts))
        if texts and "\\" not in joined and joined.count('"') == 2 * (len(texts) - 1):
            return '{"' + joined + '"}'
    return "{" + ",".join(["NULL" if text is None else _quoted(text) for text in texts]) + "}"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def bytes_array(values: Iterable[bytes]) -> str:
    """Return byte strings as the text of a PostgreSQL array, to be bound as one parameter (`%s::bytea[]`)."""
    return "{" + ",".join([f'"\\\\x{value.hex()}"' for value in values]) + "}"


def time_array(values: Iterable[datetime | None]) -> str:
    """Return times as the text of a PostgreSQL array, to be bound as one parameter (`%s::timestamptz[]`)."""
    times = list(values)  # mostly one and the same
    texts = {value: "NULL" if value is None else f'"{value.isoformat()}"' for value in set(times)}
    return "{" + ",".join([texts[value] for value in times]) + "}"
