"""Two who change the same books at once take turns; each race is first shown to happen without that."""

import threading
from contextlib import contextmanager

import pytest
from onhand import enablement
from onhand.enablement import Change, ChangeRefused, change
from onhand.policies import services as policies
from onhand.policies.book import Where
from onhand.policies.services import resolve, set_policy
from onhand.testing import TESTER
from switching import state, switch

WAIT_SECONDS_MAX = 60


@pytest.fixture
def meanwhile(onhand_site):
    """`with meanwhile(first) as go_on`: `first` has run, uncommitted, in a thread of its own; `go_on()` lets it commit."""

    @contextmanager
    def hold(first):
        done, release = threading.Event(), threading.Event()

        def command(session, now):
            first(session, now)
            done.set()
            assert release.wait(WAIT_SECONDS_MAX)

        thread = threading.Thread(target=onhand_site.transact, args=(command,))
        thread.start()
        assert done.wait(WAIT_SECONDS_MAX)

        def go_on():
            release.set()
            thread.join()

        try:
            yield go_on
        finally:
            go_on()

    return hold


@pytest.fixture
def when_waiting(superuser):
    """Call back once somebody waits for an advisory lock of this database."""
    asked = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"

    def watch(call):
        def wait():
            for _ in range(500):
                if superuser(asked) != [(0,)]:
                    break
                threading.Event().wait(0.01)
            call()

        thread = threading.Thread(target=wait)
        thread.start()
        return thread

    return watch


def disable_lamp(a):
    return lambda session, now: change(session, [Change(a.id, "lamp", "disabled")], by=TESTER, now=now)


def test_nobody_takes_away_what_another_is_about_to_build_on(transact, entities, meanwhile, when_waiting):
    a, _ = entities
    switch(transact, a, ("shade", "disabled"))
    with meanwhile(disable_lamp(a)) as go_on:
        watcher = when_waiting(go_on)
        with pytest.raises(ChangeRefused, match="shade needs lamp"):
            switch(transact, a, ("shade", "enabled"))
        watcher.join()
    assert [state(transact, a, noun) for noun in ("lamp", "shade")] == ["disabled", "disabled"]


def test_without_turns_both_would_have_their_way(transact, entities, meanwhile, monkeypatch):
    """The control."""
    a, _ = entities
    switch(transact, a, ("shade", "disabled"))
    monkeypatch.setattr(enablement, "take_turn", lambda session, table: None)
    with meanwhile(disable_lamp(a)) as go_on:
        switch(transact, a, ("shade", "enabled"))
        go_on()
    assert state(transact, a, "shade") == "enabled"


def set_watts(value, entity):
    return lambda session, now: set_policy(session, "lamp.watts", value, Where(entity_id=entity.id), by=TESTER, now=now)


def watts(transact, entity):
    where = Where(entity_id=entity.id)
    return transact(lambda session, now: resolve(session, "lamp.watts", where, at=now))


def test_no_version_of_a_policy_is_overlooked(transact, entities, meanwhile, when_waiting):
    a, b = entities
    with meanwhile(set_watts(60, a)) as go_on:
        watcher = when_waiting(go_on)
        transact(set_watts(75, b))
        watcher.join()
    assert [watts(transact, entity) for entity in entities] == [60, 75]


def test_without_turns_a_version_would_be_overlooked(transact, entities, meanwhile, monkeypatch):
    """The control: the later number is committed first, and who has seen it looks for no earlier one."""
    a, b = entities
    monkeypatch.setattr(policies, "take_turn", lambda session, table: None)
    with meanwhile(set_watts(60, a)) as go_on:
        transact(set_watts(75, b))
        assert watts(transact, b) == 75
        go_on()
    assert watts(transact, a) == 40
