"""Two who write the same master data at once: one is first, the other is told so."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from onhand.db import cursor
from onhand.transaction import run
from onhand_master_data.api import Refused
from onhand_master_data.services import items
from onhand_master_data.testing import gtin_of, make_item

Transact = Callable[..., Any]
WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted"


def race(app: Any, transact: Transact, entities: Any) -> Future[Any]:
    """Start a second writer of the same SKU and GTIN inside the first one's transaction, and commit once it waits."""

    def create(session: Any, now: Any) -> Any:
        return make_item(session, now, sku="A", gtin=gtin_of(1))

    def second() -> Any:
        with app.app_context():
            return run(create, entities=[entity.id for entity in entities])

    def first(session: Any, now: Any) -> Future[Any]:
        create(session, now)
        started = pool.submit(second)
        for _ in range(400):
            if cursor(session).execute(WAITING).fetchone()[0]:
                return started
            time.sleep(0.005)
        raise AssertionError("the second writer did not wait")

    with ThreadPoolExecutor(1) as pool:
        return transact(first)


def test_the_second_of_two_racing_writers_is_refused(app: Any, transact: Transact, entities: Any) -> None:
    refusal = race(app, transact, entities).exception()
    assert isinstance(refusal, Refused)
    assert {error.field for error in refusal.errors} == {"sku", "gtin"}
    assert all(error.conflict for error in refusal.errors)


def test_without_turns_the_race_is_there(
    app: Any, transact: Transact, entities: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: both look before either has committed, and the second fails where nobody expects it."""
    monkeypatch.setattr(items, "take_turn", lambda _: None)
    assert isinstance(race(app, transact, entities).exception(), psycopg.errors.UniqueViolation)
