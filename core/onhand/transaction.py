"""The one place where a transaction opens: scope, clock and rerun are decided here, once, at the door."""

import contextlib
import random
import time
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

import psycopg
import structlog
from flask import current_app
from psycopg.pq import TransactionStatus
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from onhand.addons.faults import Passing
from onhand.addons.registry import Addons
from onhand.db import MAY_END, HotSession, cursor, db, driver, pipeline
from onhand.metrics import transaction_reruns, transaction_seconds
from onhand.policies.book import PolicyBook
from onhand.policies.reading import policy_book
from onhand.wire import NOT_PREPARED, LostTransaction

__all__ = ["LostTransaction", "OutOfDate", "Transaction", "after_commit", "context", "every_entity", "run", "run_apart"]

logger = structlog.get_logger(__name__)
T = TypeVar("T")
RERUNS_MAX = 3
RERUN_SQLSTATES = frozenset({"40P01", "40001", "55P03"})
FORGOTTEN_MAX = 200
"""Connections in turn that may turn out to have forgotten what was prepared; more than a pool has."""
OPEN = """
/* run.open */ SELECT transaction_timestamp(), set_config('onhand.entities', %s, true),
  (SELECT coalesce(max(id), 0) FROM onhand.enablement), (SELECT coalesce(max(id), 0) FROM onhand.policy_version)
"""
OPEN_HOT = f"""{OPEN.rstrip()},
  set_config('plan_cache_mode', 'force_generic_plan', true),
  set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true),
  set_config('enable_mergejoin', 'off', true), set_config('jit', 'off', true)
"""
"""Plans outlive what they were made for, those of foreign keys too: one that reads a table whole because it had a page
then would read all of it for every row until the table is next analysed."""

_open: ContextVar[bool] = ContextVar("onhand_transaction_open", default=False)


class OutOfDate(Passing):
    """What this process remembered does not hold in this transaction, and is forgotten: `run` runs the command again."""


@dataclass(slots=True)
class Transaction:
    """What verbs may ask of the transaction they run in."""

    now: datetime
    entities: tuple[int, ...]
    addons: Addons
    policies: PolicyBook
    policy_version: int = 0
    callbacks: list[Callable[[], None]] = field(default_factory=list)


def run(
    command: Callable[[Session, datetime], T],
    *,
    entities: Iterable[int],
    is_hot: bool = False,
    ahead: Callable[[Session], None] | None = None,
) -> T:
    """Run a command in one transaction that sees exactly these entities, and commit it.

    The command is called with the session and the database's clock. On a deadlock, a serialisation failure or a lock
    time-out the whole command is run again, at most three times, so it must have no effect outside the session.
    Raising rolls everything back. Transactions do not nest: a verb is handed its session.

    `is_hot` is for commands that speak through `onhand.db.cursor`: their statements are sent over `onhand.wire` without
    awaiting answers nobody reads, the commit with the last of them, which saves a round trip each; and they are planned
    once per connection, not once per length of a list, which saves more. They find rows by index, however small a table. `ahead` sends what the command is going to read
    first together with the opening statement: statements of a hot command that need neither the clock nor memory.
    """
    if _open.get():
        raise RuntimeError("run() inside run(): pass the session on instead")
    scope = tuple(sorted(set(entities)))
    token = _open.set(True)
    started = time.perf_counter()
    try:
        rerun = forgotten = 0
        while True:
            try:
                result, callbacks = _once_hot(command, scope, ahead) if is_hot else _once(command, scope)
                break
            except OutOfDate:
                if rerun == RERUNS_MAX:
                    raise
                transaction_reruns.labels("memory").inc()
                rerun += 1
            except (DBAPIError, psycopg.Error) as error:
                state = _sqlstate(error)
                if state == NOT_PREPARED and forgotten < FORGOTTEN_MAX:
                    forgotten += 1  # that connection knows now; each finds out once
                elif state in RERUN_SQLSTATES and rerun < RERUNS_MAX:
                    time.sleep(random.uniform(0.005, 0.02) * 2**rerun)  # noqa: S311 - jitter, not a secret
                    rerun += 1
                else:
                    raise
                transaction_reruns.labels(state).inc()
    finally:
        _open.reset(token)
        transaction_seconds.observe(time.perf_counter() - started)
    for callback in callbacks:
        _call_back(callback)
    return result


def run_apart(engine: Engine, command: Callable[[Session, datetime], T]) -> T:
    """Run a command of no entity's in a connection of its own, whatever has become of the pool's; once, without reruns."""
    with Session(engine) as session:
        transaction = _begin(session, (), OPEN)
        result = command(session, transaction.now)
        _refuse_lost(session)
        session.commit()
    for callback in transaction.callbacks:
        _call_back(callback)
    return result


def _call_back(callback: Callable[[], None]) -> None:
    """Call one back. What it raises is logged: the commit stands, so the caller must not be told otherwise."""
    try:
        callback()
    except Exception:
        logger.exception("after_commit_failed")


def _once(command: Callable[[Session, datetime], T], scope: tuple[int, ...]) -> tuple[T, list[Callable[[], None]]]:
    session = db.session.session_factory()
    try:
        with pipeline(session):
            transaction = _begin(session, scope, OPEN)
        result = command(session, transaction.now)
        _refuse_lost(session)
        session.info[MAY_END] = True
        session.commit()
    except BaseException:
        session.info[MAY_END] = True
        with contextlib.suppress(DBAPIError, psycopg.Error):
            session.rollback()
        raise
    finally:
        session.info[MAY_END] = True
        session.close()
    return result, transaction.callbacks


def _once_hot(
    command: Callable[[Session, datetime], T], scope: tuple[int, ...], ahead: Callable[[Session], None] | None
) -> tuple[T, list[Callable[[], None]]]:
    connection = db.engine.connect()
    session = HotSession(connection)
    wire = session.wire
    try:
        wire.begin()
        transaction = _begin(session, scope, OPEN_HOT, ahead)
        result = command(session, transaction.now)
        if session.in_transaction():  # a hook has used the ORM
            session.flush()
        wire.commit()
    except Exception:
        try:
            wire.abandon()
        except psycopg.Error:
            connection.invalidate()
        raise
    except BaseException:  # the thread is being ended: nobody may wait for the server
        connection.invalidate()
        raise
    finally:
        session.info[MAY_END] = True
        session.close()
        connection.close()
    return result, transaction.callbacks


def _refuse_lost(session: Session) -> None:
    """Raise where a statement failed unnoticed: PostgreSQL answers COMMIT then by rolling back, without an error."""
    if driver(session).pgconn.transaction_status == TransactionStatus.INERROR:
        raise LostTransaction("a statement failed and the command went on as if it had not: nothing was committed")


def _begin(
    session: Session, scope: tuple[int, ...], statement: str, ahead: Callable[[Session], None] | None = None
) -> Transaction:
    addons: Addons = current_app.extensions["onhand"]
    opening = cursor(session).execute(statement, (entity_array(scope),))
    if ahead is not None:
        ahead(session)
    row = opening.fetchone()
    assert row is not None  # noqa: S101 - a SELECT without FROM has one row
    addons.timelines.refresh(row[2], lambda: addons.timeline(session))
    addons.policy_books.refresh(row[3], lambda: policy_book(session))
    policies = addons.policy_books.value
    transaction = Transaction(now=row[0], entities=scope, addons=addons, policies=policies, policy_version=row[3])
    session.info["onhand"] = transaction
    return transaction


def entity_array(entities: Iterable[int]) -> str:
    """Return entity ids as PostgreSQL writes an array, the form of the setting `onhand.entities`."""
    return "{" + ",".join(map(str, entities)) + "}"


def context(session: Session) -> Transaction:
    """Return the transaction a session belongs to; KeyError for a session that `run` did not open."""
    transaction: Transaction = session.info["onhand"]
    return transaction


def after_commit(session: Session, callback: Callable[[], None]) -> None:
    """Call back once the transaction has committed, never if it rolls back.

    For wake-ups only: a crash may lose the call, so that must be harmless.
    """
    context(session).callbacks.append(callback)


def every_entity() -> tuple[int, ...]:
    """Return the ids of all entities, for the command line and the scheduler."""

    def ids(session: Session, _: datetime) -> tuple[int, ...]:
        return tuple(row[0] for row in cursor(session).execute("SELECT id FROM onhand.entity ORDER BY id").fetchall())

    return run(ids, entities=())


def _sqlstate(error: DBAPIError | psycopg.Error) -> str | None:
    original = error.orig if isinstance(error, DBAPIError) else error
    return original.sqlstate if isinstance(original, psycopg.Error) else None
