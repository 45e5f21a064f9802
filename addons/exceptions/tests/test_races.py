"""Many writers of the same causes: no deadlock, one row per cause; and the race is there without the turn."""

import random
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from onhand.db import cursor
from onhand.transaction import run
from onhand_exceptions import services
from psycopg.errors import UniqueViolation
from sqlalchemy.exc import IntegrityError

WRITERS = 8
KEYS = [f"item:{n}@location:1" for n in range(40)]
DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
ROWS = "SELECT cause_key, count FROM exceptions.exception WHERE status = 'open' ORDER BY cause_key"


def ask(transact, sql):
    return transact(lambda session, now: cursor(session).execute(sql).fetchall())


def in_threads(app, work, writers):
    def in_app(number):
        with app.app_context():
            return work(number)

    with ThreadPoolExecutor(writers) as pool:
        return list(pool.map(in_app, range(writers)))


def test_eight_writers_of_overlapping_causes(app, transact, world, cause, entities):
    world["leak"] = {key: cause(key) for key in KEYS}
    before = ask(transact, DEADLOCKS)

    def work(number):
        shuffled = random.Random(number)
        for round_ in range(4):
            batches = [shuffled.sample(KEYS, 25) for _ in range(3)]

            def several_events(session, now, batches=batches, round_=round_):
                for batch in batches:
                    causes = [cause(key, minute=round_, writer=number) for key in batch]
                    services.record(session, causes, "leak", now=now)

            run(several_events, entities=[entities[0].id])

    in_threads(app, work, WRITERS)
    rows = ask(transact, ROWS)
    assert [key for key, _ in rows] == sorted({key for key, _ in rows})
    told = ask(transact, "SELECT cause_key, count(*) FROM exceptions.occurrence GROUP BY 1 ORDER BY 1")
    assert rows == told
    assert ask(transact, DEADLOCKS) == before


def test_without_the_turn_two_writers_collide(app, transact, world, cause, entities, monkeypatch):
    together = Barrier(2, timeout=60)
    monkeypatch.setattr("onhand_exceptions.services.evidence.take_turn", lambda *_: None)
    monkeypatch.setattr(
        "onhand_exceptions.services.evidence.true_now", lambda *_: (together.wait() and {}) or {cause().key: cause()}
    )

    def work(number):
        try:
            run(
                lambda session, now: services.record(session, [cause(writer=number)], "leak", now=now),
                entities=[entities[0].id],
            )
        except (UniqueViolation, IntegrityError) as error:
            return error
        return None

    collided = [error for error in in_threads(app, work, 2) if error]
    assert len(collided) == 1
    assert "exception_open_key" in str(collided[0]) or "episode" in str(collided[0])


@pytest.mark.parametrize("known", [False, True], ids=["new causes", "known causes"])
def test_a_batch_takes_a_constant_number_of_statements(transact, world, cause, known, statements):
    def taken(size, prefix):
        keys = [f"{prefix}:{n}" for n in range(size)]
        world["leak"] = {key: cause(key) for key in keys}
        if known:
            transact(lambda session, now: services.record(session, [cause(key) for key in keys], "leak", now=now))
        again = [cause(key, minute=1) for key in keys]
        with statements() as seen:
            transact(lambda session, now: services.record(session, again, "leak", now=now))
        return [text for text in seen if "/* exceptions." in text]

    few, many = taken(2, "few"), taken(1_000, "many")
    assert few == many
    assert 5 < len(many) <= 15
