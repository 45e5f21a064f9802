"""`run`: one transaction, one scope, one clock; run again on what passes, never on what does not."""

import logging
import threading
import time
from contextlib import suppress
from datetime import timedelta

import psycopg
import pytest
import time_machine
from onhand import transaction
from onhand.db import cursor
from onhand.metrics import transaction_reruns
from onhand.transaction import LostTransaction, after_commit, context, every_entity, run
from onhand_lamp.services import light, lit
from psycopg import errors as pg
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

RERUN = ["40P01", "40001", "55P03"]
NOT_RERUN = ["23505", "22012", "57014", "42501", "P0001"]


@pytest.fixture
def inside(app, entities):
    """An application context, for calling `run` itself."""
    with app.app_context():
        yield [entity.id for entity in entities]


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    """Wait no longer than a moment between reruns."""
    monkeypatch.setattr(transaction.random, "uniform", lambda *_: 0.0001)


def raise_in_database(session, state):
    cursor(session).execute(f"DO $$ BEGIN RAISE EXCEPTION 'planted' USING ERRCODE = '{state}'; END $$")


def test_command_is_given_the_databases_clock(inside):
    def command(session, now):
        [before] = cursor(session).execute("SELECT transaction_timestamp()").fetchone()
        [after] = cursor(session).execute("SELECT clock_timestamp()").fetchone()
        return before <= now <= after, now

    with time_machine.travel(0, tick=True):
        is_between, now = run(command, entities=inside)
    assert is_between
    assert now.year > 2000
    assert now.utcoffset() == timedelta(0)


def test_command_knows_its_transaction(inside):
    found = run(
        lambda session, now: (context(session).now == now, context(session).entities),
        entities=[*inside[::-1], inside[0]],
    )
    assert found == (True, tuple(inside))


def test_result_is_returned_and_the_work_is_committed(inside):
    assert run(lambda session, _: light(session, inside[0], "one") or "done", entities=inside) == "done"
    assert run(lambda session, _: lit(session), entities=inside) == [(inside[0], "one")]


@pytest.mark.parametrize("is_hot", [False, True])
@pytest.mark.parametrize("error", [LookupError, KeyboardInterrupt, SystemExit])
def test_raising_takes_everything_back(inside, error, is_hot):
    def command(session, _):
        light(session, inside[0], "one")
        raise error("planted")

    with pytest.raises(error, match="planted"):
        run(command, entities=inside, is_hot=is_hot)
    assert run(lambda session, _: lit(session), entities=inside) == []


@pytest.mark.parametrize("is_hot", [False, True])
@pytest.mark.parametrize("state", RERUN)
def test_what_passes_is_run_again_as_a_whole(inside, state, is_hot):
    calls = []
    counted = transaction_reruns.labels(state)._value.get()

    def command(session, now):
        calls.append(now)
        light(session, inside[0], f"light {len(calls)}")
        if len(calls) < 3:
            raise_in_database(session, state)
        return len(calls)

    assert run(command, entities=inside, is_hot=is_hot) == 3
    assert calls[0] < calls[1] < calls[2], "each has its own clock"
    assert run(lambda session, _: lit(session), entities=inside) == [(inside[0], "light 3")]
    assert transaction_reruns.labels(state)._value.get() == counted + 2


@pytest.mark.parametrize("state", RERUN)
def test_what_does_not_pass_is_run_four_times_and_raised(inside, state):
    calls = []

    def command(session, _):
        calls.append(1)
        raise_in_database(session, state)

    with pytest.raises(psycopg.Error) as raised:
        run(command, entities=inside)
    assert (raised.value.sqlstate, len(calls)) == (state, 4)


@pytest.mark.parametrize("is_hot", [False, True])
@pytest.mark.parametrize("state", NOT_RERUN)
def test_other_errors_are_raised_at_once(inside, state, is_hot):
    calls = []

    def command(session, _):
        calls.append(1)
        raise_in_database(session, state)

    with pytest.raises((psycopg.Error, DBAPIError)) as raised:
        run(command, entities=inside, is_hot=is_hot)
    assert (transaction._sqlstate(raised.value), len(calls)) == (state, 1)


def test_errors_that_the_orm_wraps_are_run_again_too(inside):
    calls = []

    def command(session, _):
        calls.append(1)
        if len(calls) == 1:
            session.execute(text("DO $$ BEGIN RAISE EXCEPTION 'planted' USING ERRCODE = '40001'; END $$"))

    run(command, entities=inside)
    assert len(calls) == 2
    with pytest.raises(DBAPIError):
        run(lambda session, _: session.execute(text("SELECT 1 / 0")), entities=inside)


@pytest.mark.parametrize("is_hot", [False, True])
def test_command_that_swallows_an_error_is_not_told_that_it_was_committed(inside, is_hot):
    """PostgreSQL would roll back and say nothing."""

    def command(session, _):
        light(session, inside[0], "one")
        with pytest.raises(pg.DivisionByZero):
            cursor(session).execute("SELECT 1 / 0").fetchone()
        return "done"

    with pytest.raises((LostTransaction, psycopg.Error)):
        run(command, entities=inside, is_hot=is_hot)
    assert run(lambda session, _: lit(session), entities=inside) == []


def test_command_may_fail_and_go_on_from_a_savepoint(inside):
    def command(session, _):
        light(session, inside[0], "one")
        with pytest.raises(pg.DivisionByZero), session.begin_nested():
            cursor(session).execute("SELECT 1 / 0")

    run(command, entities=inside)
    assert len(run(lambda session, _: lit(session), entities=inside)) == 1


def test_savepoint_takes_back_what_the_raw_cursor_wrote(inside):
    def command(session, _):
        light(session, inside[0], "before")
        with suppress(LookupError), session.begin_nested():
            light(session, inside[0], "within")
            raise LookupError
        light(session, inside[0], "after")

    run(command, entities=inside)
    assert [name for _, name in run(lambda session, _: lit(session), entities=inside)] == ["before", "after"]


def test_python_errors_are_not_run_again(inside):
    calls = []

    def command(session, _):
        calls.append(1)
        raise TimeoutError

    with pytest.raises(TimeoutError):
        run(command, entities=inside)
    assert len(calls) == 1


def test_of_two_in_a_deadlock_both_get_through(onhand_site, transact, entities):
    a, _ = entities
    transact(lambda session, _: light(session, a.id, "left", "right"))
    meet, calls = threading.Barrier(2), []

    def turn(first, second):
        def command(session, _):
            calls.append(first)
            for name in (first, second):
                cursor(session).execute("UPDATE lamp.light SET entity_id = entity_id WHERE name = %s", (name,))
                if name == first and len(calls) <= 2:
                    meet.wait(5)

        onhand_site.transact(command)

    threads = [threading.Thread(target=turn, args=pair) for pair in (("left", "right"), ("right", "left"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(calls[:2]) == ["left", "right"]
    assert len(calls) == 3


def test_transactions_do_not_nest(inside):
    def command(session, _):
        light(session, inside[0], "one")
        run(lambda *_: None, entities=inside)

    with pytest.raises(RuntimeError, match="pass the session on"):
        run(command, entities=inside)
    with pytest.raises(RuntimeError, match="pass the session on"):
        run(lambda *_: every_entity(), entities=inside)
    assert run(lambda session, _: lit(session), entities=inside) == [], "and one refused leaves no trace"


def test_another_thread_may_run_while_one_is_open(onhand_site, transact, entities):
    found = []

    def command(_session, _now):
        thread = threading.Thread(target=lambda: found.append(onhand_site.transact(lambda _, now: now)))
        thread.start()
        thread.join()

    transact(command)
    assert len(found) == 1


def test_callback_comes_after_the_commit_and_may_run_transactions(inside):
    seen = []

    def command(session, _):
        light(session, inside[0], "one")
        after_commit(session, lambda: seen.extend(run(lambda later, _: lit(later), entities=inside)))
        after_commit(session, lambda: seen.append("second"))
        assert seen == []
        return "done"

    assert run(command, entities=inside) == "done"
    assert seen == [(inside[0], "one"), "second"]


def test_callback_never_comes_when_it_rolls_back_and_once_when_it_is_run_again(inside):
    seen, calls = [], []

    def command(session, _):
        calls.append(1)
        after_commit(session, lambda: seen.append("called"))
        if len(calls) == 1:
            raise_in_database(session, "40001")

    def doomed(session, _):
        after_commit(session, lambda: seen.append("never"))
        raise LookupError

    run(command, entities=inside)
    with pytest.raises(LookupError):
        run(doomed, entities=inside)
    assert seen == ["called"]


def test_callback_that_raises_is_logged_and_hides_neither_the_result_nor_the_others(inside, caplog):
    seen = []

    def command(session, _):
        after_commit(session, lambda: 1 / 0)
        after_commit(session, lambda: seen.append("called"))
        light(session, inside[0], "one")
        return "done"

    with caplog.at_level(logging.ERROR):
        assert run(command, entities=inside) == "done"
    assert seen == ["called"]
    assert "after_commit_failed" in caplog.text
    assert run(lambda session, _: lit(session), entities=inside) == [(inside[0], "one")]


def test_backend_that_is_killed_is_told_and_the_next_transaction_has_another(inside, superuser):
    def command(session, _):
        [pid] = cursor(session).execute("SELECT pg_backend_pid()").fetchone()
        superuser("SELECT pg_terminate_backend(%s)", pid)
        light(session, inside[0], "one")

    with pytest.raises(pg.OperationalError):
        run(command, entities=inside)
    assert run(lambda session, _: lit(session), entities=inside) == []


def test_every_entity_is_every_entity(inside):
    assert every_entity() == tuple(sorted(inside))


def test_time_spent_waiting_between_reruns_holds_no_connection(inside, app, monkeypatch):
    held, calls = [], []
    from onhand.db import db

    monkeypatch.setattr(time, "sleep", lambda _: held.append(db.engine.pool.checkedout()))

    def command(session, _):
        calls.append(1)
        if len(calls) == 1:
            raise_in_database(session, "55P03")

    run(command, entities=inside)
    assert held == [0]
