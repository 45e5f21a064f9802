"""The life of a channel: every step that is allowed is taken, every other is refused, by the verb and by the database."""

from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from importlib.util import module_from_spec, spec_from_file_location

import psycopg
import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from onhand_channels.api import (
    Advance,
    Advanced,
    ChannelDraft,
    ChannelRefused,
    advance,
    channels_by_code,
    create_channels,
)
from onhand_channels.states import REASONED, STATES, TRANSITIONS
from onhand_channels.testing import TESTER, event, make_channel
from sqlalchemy import create_engine, text

PAIRS = [(before, after) for before in STATES for after in STATES]
WAYS = {
    "proposed": [], "assessed": ["assessed"], "approved": ["assessed", "approved"],
    "live": ["assessed", "approved", "live"], "suspended": ["assessed", "approved", "live", "suspended"],
    "retired": ["retired"],
}  # fmt: skip


@pytest.fixture
def plant(transact, entities, superuser):
    """Make a channel and bring it to a state, past the checklist."""

    def make(state, code="c-1", entity=0, *locations):
        made = transact(
            lambda session, now: make_channel(
                session, now, entities[entity].id, *locations, code=code, state="proposed"
            )
        )
        for step in WAYS[state]:
            superuser("UPDATE channels.channel SET state = %s WHERE id = %s", step, made.id)
        return transact(lambda session, now: channels_by_code(session, [code]))[0]

    return make


@pytest.fixture
def step(transact):
    def take(*wishes, **more):
        return transact(lambda session, now: advance(session, wishes, by=TESTER, now=now), **more)

    return take


def state_of(superuser, code="c-1"):
    return superuser("SELECT state FROM channels.channel WHERE code = %s", code)[0][0]


@pytest.mark.parametrize(("before", "after"), PAIRS)
def test_the_verb_takes_a_step_exactly_where_it_is_allowed(plant, step, superuser, ready, before, after):
    plant(before)
    [answer] = step(Advance("c-1", after, "since"))
    is_allowed = after in TRANSITIONS[before]
    assert isinstance(answer, Advanced) == is_allowed, answer
    assert state_of(superuser) == (after if is_allowed else before)
    kept = superuser("SELECT from_state, to_state, actor, reason FROM channels.lifecycle_step ORDER BY id")
    assert kept == [(None, "proposed", "system:test", None), *([(before, after, "system:test", "since")] * is_allowed)]
    audited = superuser("SELECT before, after, reason FROM onhand.audit WHERE action = 'channels.advance'")
    assert audited == [({"state": before}, {"state": after}, "since")] * is_allowed
    if not is_allowed:
        assert answer.reason == "illegal_step"
        assert answer.state == before


@pytest.mark.parametrize(("before", "after"), PAIRS)
def test_the_database_takes_a_step_exactly_where_it_is_allowed(plant, superuser, before, after):
    plant(before)
    if after in TRANSITIONS[before] or after == before:
        superuser("UPDATE channels.channel SET state = %s WHERE code = 'c-1'", after)
        assert state_of(superuser) == after
    else:
        with pytest.raises(psycopg.errors.CheckViolation, match=f"{before} cannot become {after}"):
            superuser("UPDATE channels.channel SET state = %s WHERE code = 'c-1'", after)


@pytest.mark.parametrize(("before", "after"), PAIRS)
def test_the_history_holds_legal_steps_only(plant, superuser, before, after):
    made = plant("proposed")
    write = (
        "INSERT INTO channels.lifecycle_step (channel_id, entity_id, from_state, to_state, recorded_at, actor, actor_name)"
        " VALUES (%s, %s, %s, %s, now(), 'a', 'a')"
    )
    if after in TRANSITIONS[before]:
        superuser(write, made.id, made.entity_id, before, after)
    else:
        with pytest.raises(psycopg.errors.CheckViolation):
            superuser(write, made.id, made.entity_id, before, after)


@pytest.mark.parametrize("state", STATES)
def test_a_channel_begins_proposed_or_live_and_no_other_way(transact, entities, superuser, state):
    draft = ChannelDraft("c-1", "One", "pos", "A", (), state)

    def make():
        return transact(lambda session, now: create_channels(session, [draft], by=TESTER, now=now))

    if state in ("proposed", "live"):
        assert make()[0].state == state
        assert superuser("SELECT from_state, to_state FROM channels.lifecycle_step") == [(None, state)]
    else:
        with pytest.raises(ChannelRefused, match="begins as"):
            make()
        with pytest.raises(psycopg.errors.CheckViolation, match="cannot begin as"):
            superuser(
                "INSERT INTO channels.channel (entity_id, code, name, kind, state, recorded_at)"
                " VALUES (%s, 'c-2', 'c', 'pos', %s, now())",
                entities[0].id, state,
            )  # fmt: skip


@pytest.mark.parametrize("to", sorted(REASONED))
def test_steps_back_and_out_say_why(plant, step, to):
    before = {"proposed": "assessed", "suspended": "live", "retired": "suspended"}[to]
    plant(before)
    [answer] = step(Advance("c-1", to, " "))
    assert (answer.reason, answer.detail) == ("reason_missing", f"say why it shall be {to}")


def test_what_was_moved_meanwhile_stays(plant, step, superuser):
    plant("live")
    step(Advance("c-1", "suspended", "first"))
    [answer] = step(Advance("c-1", "retired", "second", expected="live"))
    assert answer.reason == "moved_meanwhile"
    assert "you saw it live, it is suspended by now" in answer.detail
    assert state_of(superuser) == "suspended"


def test_a_list_is_answered_one_by_one(plant, step):
    plant("live", "c-1")
    plant("proposed", "c-2")
    answers = step(
        Advance("c-1", "suspended", "x"), Advance("none", "retired", "x"), Advance("c-2", "live"),
        Advance("c-1", "retired", "x"),
    )  # fmt: skip
    assert [getattr(one, "reason", None) for one in answers] == ["x", "unknown", "illegal_step", "twice"]


def test_another_entitys_channel_is_out_of_reach(plant, step, entities, superuser):
    plant("live")
    [answer] = step(Advance("c-1", "suspended", "x"), entities=[entities[1]])
    assert (answer.reason, answer.state) == ("unknown", None)
    assert state_of(superuser) == "live"


def test_histories_and_shadows_are_walled(plant, shop, transact, entities):
    shadow = plant("proposed", "c-1", 0, shop.location.id)
    shop.tell(event(shadow, "sale", {"TEA": 1}, location="S1"), channel=shadow)

    def counts(session, now):
        ask = session.connection().exec_driver_sql
        return [ask(f"SELECT count(*) FROM channels.{table}").scalar() for table in ("lifecycle_step", "shadow_line")]

    assert transact(counts, entities=[entities[0]]) == [2, 1]
    assert transact(counts, entities=[entities[1]]) == [0, 0]


def test_of_two_who_move_one_at_once_the_second_judges_what_the_first_left(plant, step):
    plant("live")
    with ThreadPoolExecutor(2) as pool:
        answers = [found[0] for found in pool.map(lambda _: step(Advance("c-1", "suspended", "x")), range(2))]
    assert sorted(type(one).__name__ for one in answers) == ["Advanced", "Stayed"]


def revision(number):
    [path] = [
        one for one in (files("onhand_channels") / "migrations" / "versions").iterdir() if one.name.startswith(number)
    ]
    spec = spec_from_file_location(f"revision_{number}", str(path))
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_on_and_off_become_live_and_suspended_and_come_back(site, plant, entities, shop):
    on, off, new = plant("live", "on"), plant("suspended", "off"), plant("proposed", "new", 0, shop.location.id)
    shop.tell(event(new, "sale", {"TEA": 1}, location="S1", id="s-1"), channel=new)
    migration = revision("0002")
    engine = create_engine(site.database.owner_url)
    with engine.connect() as connection, connection.begin() as transaction:
        connection.execute(text(f"SELECT set_config('onhand.entities', '{{{entities[0].id}}}', true)"))

        def column(name):
            query = text(f"SELECT code, {name} FROM channels.channel WHERE code IN ('on', 'off', 'new')")
            return dict(tuple(row) for row in connection.execute(query))

        with Operations.context(MigrationContext.configure(connection)):
            migration.downgrade()
            assert column("active") == {"on": True, "off": False, "new": False}
            events = "SELECT outcome, reason FROM channels.event WHERE event_id = 's-1'"
            assert connection.execute(text(events)).one() == ("parked", "channel_inactive")
            migration.upgrade()
            assert column("state") == {"on": "live", "off": "suspended", "new": "suspended"}
            migration.downgrade()
            assert column("active") == {"on": True, "off": False, "new": False}
        transaction.rollback()
    engine.dispose()
    assert {on.state, off.state} == {"live", "suspended"}
