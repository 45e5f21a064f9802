"""Hot commands: statements are sent without awaiting answers, yet nothing that fails goes unheard."""

from contextlib import contextmanager

import pytest
from onhand.db import cursor, db, pipeline
from onhand.transaction import after_commit, run
from onhand_lamp.services import light, lit
from psycopg import errors as pg
from psycopg.pq import PipelineStatus, TransactionStatus
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError


@pytest.fixture
def inside(app, entities):
    with app.app_context():
        yield [entity.id for entity in entities]


@contextmanager
def told(kind):
    """Expect the error's first cause: from a later statement, if its answer has come by then, else from the commit."""
    with pytest.raises((kind, DBAPIError)) as raised:
        yield
    assert isinstance(getattr(raised.value, "orig", raised.value), kind)


def insert(session, entity_id, name):
    cursor(session).execute("INSERT INTO lamp.light (entity_id, name) VALUES (%s, %s)", (entity_id, name))


def lights(inside):
    return run(lambda session, _: lit(session), entities=inside)


@pytest.mark.parametrize("is_hot", [True, False])
def test_a_connection_is_given_back_when_nothing_is_under_way_any_more(inside, is_hot):
    """Given back inside the pipeline it would serve another thread while this one still reads."""
    given_back = []

    def note(connection, _):
        given_back.append((connection.pgconn.pipeline_status, connection.pgconn.transaction_status))

    event.listen(db.engine, "checkin", note)
    try:
        run(lambda session, _: insert(session, inside[0], "one"), entities=inside, is_hot=is_hot)
    finally:
        event.remove(db.engine, "checkin", note)
    assert given_back == [(PipelineStatus.OFF, TransactionStatus.IDLE)]


def test_statements_nobody_reads_are_committed_with_the_rest(inside):
    def command(session, _):
        assert cursor(session).connection.pgconn.pipeline_status == PipelineStatus.ON
        for number in range(300):
            insert(session, inside[0], f"light {number}")
        return "done"

    assert run(command, entities=inside, is_hot=True) == "done"
    assert len(lights(inside)) == 300


def test_answers_can_be_read_on_the_way(inside):
    def command(session, _):
        insert(session, inside[0], "one")
        first = lit(session)
        insert(session, inside[0], "two")
        return first

    assert run(command, entities=inside, is_hot=True) == [(inside[0], "one")]
    assert len(lights(inside)) == 2


@pytest.mark.parametrize("after", [0, 5])
def test_error_nobody_read_surfaces_and_takes_everything_back(inside, after):
    called = []

    def command(session, _):
        after_commit(session, lambda: called.append(1))
        insert(session, inside[0], "one")
        cursor(session).execute("SELECT 1 / 0")
        for number in range(after):
            insert(session, inside[0], f"later {number}")

    with told(pg.DivisionByZero):
        run(command, entities=inside, is_hot=True)
    assert lights(inside) == []
    assert called == []


def test_error_that_is_read_surfaces_where_it_is_read(inside):
    def command(session, _):
        insert(session, inside[0], "one")
        with pytest.raises(pg.DivisionByZero):
            cursor(session).execute("SELECT 1 / 0").fetchone()
        raise LookupError

    with pytest.raises(LookupError):
        run(command, entities=inside, is_hot=True)
    assert lights(inside) == []


@pytest.mark.parametrize("is_hot", [False, True])
def test_error_of_the_commit_itself_surfaces(inside, is_hot):
    """The constraint is deferred: both rows are taken, the commit is not."""
    called = []

    def command(session, _):
        after_commit(session, lambda: called.append(1))
        insert(session, inside[0], "same")
        insert(session, inside[1], "same")
        return "done"

    with told(pg.UniqueViolation):
        run(command, entities=inside, is_hot=is_hot)
    assert lights(inside) == []
    assert called == []


def test_connection_is_whole_again_afterwards(inside):
    def failing(session, _):
        cursor(session).execute("SELECT 1 / 0")

    for _ in range(20):
        with told(pg.DivisionByZero):
            run(failing, entities=inside, is_hot=True)
        run(lambda session, _: light(session, inside[0]), entities=inside)
    status = run(lambda session, _: cursor(session).connection.pgconn.pipeline_status, entities=inside)
    assert status == PipelineStatus.OFF


def test_blocks_may_be_nested(inside):
    def command(session, _):
        with pipeline(session):
            insert(session, inside[0], "one")
            with pipeline(session):
                insert(session, inside[0], "two")
            assert cursor(session).connection.pgconn.pipeline_status == PipelineStatus.ON
        return len(lit(session))

    assert run(command, entities=inside) == 2
