"""The wire of hot commands: the same answers as an ordinary cursor, and nothing lost when it breaks."""

from contextlib import ExitStack
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import psycopg
import pytest
from onhand import wire
from onhand.db import HotSession, cursor, db
from onhand.transaction import OPEN_HOT, RERUNS_MAX, _begin, context, run
from onhand_lamp.services import light, lit
from psycopg.pq import PipelineStatus, TransactionStatus
from sqlalchemy import text

AT = datetime(2026, 2, 3, 4, 5, 6, 789, tzinfo=UTC)
VALUES = [
    1, -1, 2**40, 2**62, True, None, "", "é \\ \" ' % {x}", "a\nb", AT, UUID(int=7), Decimal("1.50"), b"\x00\xff", [1, 2, 3],
    ["x", None],
]  # fmt: skip


@pytest.fixture
def inside(app, entities):
    with app.app_context():
        yield [entity.id for entity in entities]


def hot(inside, command, **options):
    return run(command, entities=inside, is_hot=True, **options)


def test_values_go_and_come_as_with_an_ordinary_cursor(inside):
    query = f"SELECT {', '.join('%s' for _ in VALUES)}, '{{1,2}}'::bigint[], '{{\"a\": [1]}}'::jsonb, now() - now()"

    def command(session, _):
        return cursor(session).execute(query, VALUES).fetchall()

    told = hot(inside, command)
    assert told == run(command, entities=inside)
    assert [type(value) for value in told[0]] == [type(value) for value in run(command, entities=inside)[0]]


@pytest.mark.parametrize(
    ("query", "params", "rows"),
    [
        ("SELECT %(b)s::int, %(a)s::int, %(b)s::int", {"a": 1, "b": 2}, [(2, 1, 2)]),
        ("SELECT 7 %% 4, '100%%', %s::text", ("%s",), [(3, "100%", "%s")]),
        ("SELECT 5 WHERE false", (), []),
        ("CREATE TEMPORARY TABLE IF NOT EXISTS t (n int) ON COMMIT DROP", (), []),
    ],
)
def test_placeholders_are_named_numbered_or_none(inside, query, params, rows):
    assert hot(inside, lambda session, _: cursor(session).execute(query, params).fetchall()) == rows


def test_rows_are_read_one_by_one_the_rest_at_once_and_counted(inside):
    def command(session, _):
        found = cursor(session).execute("SELECT generate_series(1, %s)", (4,))
        first = found.fetchone()
        rest = found.fetchall()
        return first, rest, found.fetchone(), found.rowcount, [*cursor(session).execute("SELECT 9")]

    assert hot(inside, command) == ((1,), [(2,), (3,), (4,)], None, 4, [(9,)])


def test_one_cursor_may_execute_again_before_it_has_read(inside):
    """The answer is that of the statement executed last, never of one before it that nobody read."""

    def command(session, _):
        sql = cursor(session)
        sql.execute("INSERT INTO lamp.light (entity_id, name) VALUES (%s, 'one')", (inside[0],))
        sql.execute("SELECT 1")
        sql.execute("SELECT name FROM lamp.light")
        return sql.fetchall()

    assert hot(inside, command) == [("one",)]


def test_many_long_statements_and_answers_pass_each_other(inside):
    """More than the sockets hold, both ways at once: who only sends, or only reads, would wait for ever."""
    long = "x" * 3_000_000

    def command(session, _):
        asked = [cursor(session).execute("SELECT %s || %s::text", (long, number)) for number in range(8)]
        return [len(one.fetchone()[0]) for one in asked]

    assert hot(inside, command) == [len(long) + 1] * 8


def test_a_statement_is_worked_on_while_the_next_is_made(inside):
    """Others see what it does before anything is read, so the server does not wait for the last of them."""

    def command(session, _):
        cursor(session).execute("SELECT pg_advisory_xact_lock(7, 7)")
        with db.engine.connect() as other:
            taken = text("SELECT NOT pg_try_advisory_xact_lock(7, 7)")
            for _ in range(200):
                with other.begin():
                    if other.scalar(taken):
                        return True
                    other.execute(text("SELECT pg_sleep(0.01)"))
        return False

    assert hot(inside, command)


def test_more_statements_than_are_kept_prepared(inside, monkeypatch):
    monkeypatch.setattr(wire, "PREPARED_MAX", 3)

    def command(session, _):
        return [cursor(session).execute(f"SELECT {number} + %s", (1,)).fetchone()[0] for number in range(9)]

    assert hot(inside, command) == hot(inside, command) == list(range(1, 10))


def test_what_an_ordinary_rollback_forgets_is_prepared_again(inside):
    """psycopg deallocates everything when it rolls back; the hot command that follows on that connection runs again."""
    begun = []

    def command(session, _):
        begun.append(1)
        return cursor(session).execute("SELECT %s::int", (5,)).fetchone()

    def failing(session, _):
        for _ in range(3):
            cursor(session).execute("SELECT %s::int", (1,))  # often enough that psycopg prepares it
        raise KeyError

    db.engine.dispose()  # one connection for all of it
    assert hot(inside, command) == (5,)
    with pytest.raises(KeyError):
        run(failing, entities=inside)
    assert hot(inside, command) == (5,)
    assert len(begun) == 2  # the opening statement is what found out


def test_it_is_found_out_on_every_connection_of_the_pool(inside):
    """As many ordinary commands as there are connections may have been refused since; nobody is told of that."""

    def command(session, _):
        return cursor(session).execute("SELECT %s::int", (5,)).fetchone()

    db.engine.dispose()
    with ExitStack() as held:
        connections = [held.enter_context(db.engine.connect()) for _ in range(RERUNS_MAX + 2)]
        for connection in connections:
            session = HotSession(connection)
            session.wire.begin()
            _begin(session, inside, OPEN_HOT)
            session.wire.commit()
            connection.exec_driver_sql("DEALLOCATE ALL")
    assert hot(inside, command) == (5,)


def test_a_hook_may_use_the_orm_in_the_midst_of_it(inside):
    def command(session, _):
        cursor(session).execute("INSERT INTO lamp.light (entity_id, name) VALUES (%s, 'one')", (inside[0],))
        by_text = session.execute(text("SELECT name FROM lamp.light")).all()
        light(session, inside[0], "two")
        after = cursor(session).execute("SELECT count(*) FROM lamp.light").fetchone()
        with session.begin_nested():
            session.execute(text("DELETE FROM lamp.light WHERE name = 'one'"))
        return by_text, after

    by_text, after = hot(inside, command)
    assert [row[0] for row in by_text] == ["one"]
    assert after == (2,)
    assert len(run(lambda session, _: lit(session), entities=inside)) == 1


def test_what_goes_ahead_is_sent_with_the_opening_statement(inside, statements):
    sent = {}

    def ahead(session):
        sent["answer"] = cursor(session).execute("SELECT transaction_timestamp()")

    with statements() as seen:
        found = hot(inside, lambda session, now: (sent["answer"].fetchone()[0], now, context(session).now), ahead=ahead)
    assert len(set(found)) == 1
    assert [one.split()[1] for one in seen][:2] == ["run.open", "transaction_timestamp()"]


def test_a_connection_that_breaks_is_never_given_out_again(inside):
    def command(session, _):
        cursor(session).execute("SELECT pg_terminate_backend(pg_backend_pid())").fetchone()

    with pytest.raises(psycopg.OperationalError):
        hot(inside, command)
    assert hot(inside, lambda session, _: cursor(session).execute("SELECT 1").fetchone()) == (1,)


def test_a_thread_that_is_being_ended_waits_for_no_answer(inside):
    def command(session, _):
        cursor(session).execute("SELECT pg_sleep(4)")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        hot(inside, command)

    def state(session, _):
        found = cursor(session).connection.pgconn
        return found.pipeline_status, found.transaction_status

    assert run(state, entities=inside) == (PipelineStatus.OFF, TransactionStatus.INTRANS)
