"""Enablement: planned first, refused with reasons, dated, and never half done."""

from datetime import timedelta

import pytest
from onhand.enablement import Change, ChangeRefused, change, drain_again, plan_change
from onhand.plugin import drain_what_is_open
from onhand.testing import TESTER
from onhand.transaction import context
from onhand_lamp.services import light, put_out, traces
from switching import plan, state, switch

DAY = timedelta(days=1)
ROWS = "SELECT count(*)::int FROM onhand.enablement"


@pytest.fixture
def now(transact):
    return transact(lambda _, now: now)


def states(transact, entity, at=None):
    return [state(transact, entity, noun, at) for noun in ("lamp", "shade")]


def test_change_holds_for_its_entity_alone(transact, entities):
    a, b = entities
    switch(transact, a, ("shade", "disabled"), ("lamp", "draining"))
    assert states(transact, a) == ["draining", "disabled"]
    assert states(transact, b) == ["enabled", "enabled"]


def test_plan_says_what_a_change_reaches_and_changes_nothing(transact, entities, superuser):
    before = superuser(ROWS)
    found = plan(transact, entities[0], "lamp", "enabled")
    assert found.refusals == ()
    assert found.switches == {
        "menu": ("Lights",),
        "permissions": ("lamp.read",),
        "policies": ("lamp.watts", "lamp.rate", "lamp.shape", "lamp.dims", "lamp.form", "lamp.level"),
        "schedules": ("lamp.blink",),
    }
    assert superuser(ROWS) == before


@pytest.mark.disabled_in_b("lamp")
def test_enabling_needs_what_the_addon_requires(transact, entities, superuser):
    _, b = entities
    found = plan(transact, b, "shade", "enabled")
    assert found.needs == ("lamp",)
    assert found.refusals == ("shade needs lamp, which is not enabled for this entity at that time",)
    before = superuser(ROWS)
    with pytest.raises(ChangeRefused, match="shade needs lamp") as refused:
        switch(transact, b, ("shade", "enabled"), ("lamp", "enabled"))
    assert refused.value.plans == (found,)
    assert superuser(ROWS) == before
    switch(transact, b, ("lamp", "enabled"), ("shade", "enabled"))
    assert states(transact, b) == ["enabled", "enabled"]


@pytest.mark.disabled_in_b("lamp")
def test_draining_requirement_is_not_enough(transact, entities):
    a, _ = entities
    switch(transact, a, ("shade", "disabled"), ("lamp", "draining"))
    assert plan(transact, a, "shade", "enabled").needs == ("lamp",)


@pytest.mark.parametrize("down", ["draining", "disabled"])
def test_what_others_build_on_stays(transact, entities, down):
    a, _ = entities
    with pytest.raises(ChangeRefused, match="shade is enabled for this entity and needs lamp: disable it first"):
        switch(transact, a, ("lamp", down))
    switch(transact, a, ("shade", "disabled"), ("lamp", down))


def test_what_a_draining_addon_builds_on_stays_until_it_is_off(transact, entities):
    a, _ = entities
    switch(transact, a, ("shade", "draining"), ("lamp", "draining"))
    with pytest.raises(ChangeRefused, match="shade is draining for this entity and needs lamp"):
        switch(transact, a, ("lamp", "disabled"))


def test_open_obligations_keep_an_addon_on_until_they_have_run_out(transact, entities):
    a, b = entities
    switch(transact, a, ("shade", "disabled"))
    switch(transact, b, ("shade", "disabled"))
    transact(lambda session, _: light(session, a.id, "one", "two"))
    found = plan(transact, a, "lamp", "disabled")
    assert [(duty.kind, duty.count, duty.href) for duty in found.obligations] == [("light", 2, "/lamp/")]
    with pytest.raises(ChangeRefused, match="2 lights lit still open: let it drain first, or end them, see /lamp/"):
        switch(transact, a, ("lamp", "disabled"))
    switch(transact, b, ("lamp", "disabled"))
    switch(transact, a, ("lamp", "draining"))
    with pytest.raises(ChangeRefused, match="2 lights lit still open: it is draining, so wait for them to end"):
        switch(transact, a, ("lamp", "disabled"))
    transact(lambda session, _: put_out(session, a.id))
    switch(transact, a, ("lamp", "disabled"))
    assert states(transact, a) == states(transact, b) == ["disabled", "disabled"]


def test_obligations_are_never_asked_for_without_seeing_them(transact, entities):
    a, b = entities
    with pytest.raises(ValueError, match=f"entity {a.id} is not in this transaction's scope"):
        transact(lambda session, now: plan_change(session, Change(a.id, "lamp", "disabled"), now=now), entities=[b])


def test_unknown_addon_is_refused_naming_the_installed_ones(transact, entities):
    assert plan(transact, entities[0], "bell", "enabled").refusals == (
        "there is no add-on 'bell'; installed: lamp, shade",
    )


def test_change_that_changes_nothing_is_not_recorded(transact, entities, superuser):
    before = superuser(ROWS)
    switch(transact, entities[0], ("lamp", "enabled"), ("shade", "enabled"))
    assert superuser(ROWS) == before


def test_past_beginning_means_now(transact, entities, now):
    a, _ = entities
    switch(transact, a, ("shade", "disabled", now - 30 * DAY))
    assert state(transact, a, "shade", now - DAY) == "enabled"
    assert state(transact, a, "shade") == "disabled"


def test_of_changes_for_the_same_moment_the_later_one_holds(transact, entities, now):
    a, b = entities
    later = now + DAY
    switch(transact, a, ("shade", "disabled", later), ("shade", "enabled", later))
    switch(transact, b, ("shade", "disabled", later), ("shade", "enabled", later), ("shade", "draining", later))
    assert [state(transact, entity, "shade", later) for entity in (a, b)] == ["enabled", "draining"]
    assert [state(transact, entity, "shade", later - DAY / 2) for entity in (a, b)] == ["enabled", "enabled"]


def test_scheduled_changes_count_for_what_they_would_leave_without_its_requirement(transact, entities, now):
    a, b = entities
    switch(transact, a, ("shade", "disabled"), ("lamp", "disabled", now + 2 * DAY))
    with pytest.raises(
        ChangeRefused, match=r"shade needs lamp, which is not enabled for this entity from \d{4}-\d\d-\d\d"
    ):
        switch(transact, a, ("shade", "enabled", now + DAY))
    switch(transact, b, ("shade", "disabled"), ("shade", "enabled", now + 2 * DAY))
    with pytest.raises(ChangeRefused, match=r"shade is to be enabled for this entity from .* UTC on and needs lamp"):
        switch(transact, b, ("lamp", "disabled", now + DAY))


def test_what_rolls_back_was_never_there(transact, entities, superuser, drain):
    a, _ = entities
    switch(transact, a, ("shade", "disabled"))
    before = superuser(ROWS)

    def command(session, now):
        change(session, [Change(a.id, "shade", "enabled")], by=TESTER, now=now)
        raise LookupError

    with pytest.raises(LookupError):
        transact(command)
    assert superuser(ROWS) == before
    assert state(transact, a, "shade") == "disabled"
    drain()
    assert transact(lambda session, _: traces(session)) == []


def test_enabling_is_told_to_its_observers_when_it_takes_effect(transact, entities, drain, now, superuser):
    a, b = entities
    for entity, begin in ((a, None), (b, now + DAY)):
        switch(transact, entity, ("shade", "disabled"), ("shade", "enabled", begin))
    drain()
    assert transact(lambda session, _: traces(session)) == [(a.id, "shade enabled")]
    superuser("UPDATE onhand.outbox SET due_at = clock_timestamp()")
    drain()
    assert transact(lambda session, _: traces(session)) == [(a.id, "shade enabled"), (b.id, "shade enabled")]


def test_transaction_judges_by_what_was_committed_before_it_began(transact, entities):
    a, _ = entities

    def command(session, now):
        change(session, [Change(a.id, "shade", "disabled")], by=TESTER, now=now)
        return context(session).addons.state(a.id, "shade", now)

    assert transact(command) == "enabled"
    assert state(transact, a, "shade") == "disabled"


def test_what_began_in_the_moment_of_disabling_runs_out_after_all(app, transact, entities):
    """A change sees what is open when it is made, not what another transaction is about to commit."""
    a, b = entities
    for entity in entities:
        switch(transact, entity, ("shade", "disabled"), ("lamp", "disabled"))
    transact(lambda session, _: light(session, a.id, "late"))

    def again(entity):
        return transact(lambda session, now: drain_again(session, entity.id, by=TESTER, now=now), [entity])

    with app.app_context():
        drain_what_is_open.function([a.id, b.id])
    assert (states(transact, a), states(transact, b)) == (["draining", "disabled"], ["disabled", "disabled"])
    assert (again(a), again(b)) == ([], [])
    transact(lambda session, _: put_out(session, a.id))
    switch(transact, a, ("lamp", "disabled"))
    assert again(a) == []
