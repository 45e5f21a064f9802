"""Versions are planned, replaced, cancelled and rolled back, and every value can say why it holds."""

from datetime import timedelta

import pytest
from onhand.actors import Actor
from onhand.policies.book import Where
from onhand.policies.changes import cancellation, rollback, taking_back
from onhand.policies.chronicle import chronicle
from onhand.policies.explaining import why
from onhand.policies.services import PolicyChange, PolicyRefused, resolve, set_policies
from onhand.testing import TESTER

DAY = timedelta(days=1)
GROUP = Where()
WATTS, LEVEL = "lamp.watts", "lamp.level"


@pytest.fixture
def now(transact):
    return transact(lambda _, now: now)


@pytest.fixture
def put(transact):
    """Set versions of the group or a place and return their numbers: `put(60, at=tomorrow)`."""

    def do(value, where=GROUP, at=None, name=WATTS, condition=None, **more):
        change = PolicyChange(name, value, where, at, condition)
        return transact(lambda session, now: set_policies(session, [change], by=TESTER, now=now, **more)[0].id)

    return do


@pytest.fixture
def apply(transact):
    """Carry a change out that is made from what there is: `apply(lambda session, now: rollback(…))`."""
    return lambda make: transact(
        lambda session, now: set_policies(session, [make(session, now)], by=TESTER, now=now)[0].id
    )


@pytest.fixture
def get(transact):
    def ask(at=None, where=GROUP, name=WATTS, **facts):
        return transact(lambda session, now: resolve(session, name, where, at=at or now, facts=facts or None))

    return ask


@pytest.fixture
def states(transact):
    """What became of every version, by its number."""
    return lambda name=WATTS: transact(
        lambda session, now: {one.id: one.state for one in chronicle(session, name, now=now)}
    )


def test_cancelled_version_never_comes_and_what_is_set_meanwhile_stays(put, get, apply, states, now):
    first, planned = put(60), put(75, at=now + DAY)
    assert states() == {first: "in force", planned: "scheduled"}
    cancel = apply(lambda session, now: cancellation(session, WATTS, planned, now=now))
    meanwhile = put(50)
    assert get(at=now + 2 * DAY) == 50
    assert states() == {first: "past", planned: "cancelled", cancel: "cancels", meanwhile: "in force"}
    again = put(80, at=now + DAY)
    assert get(at=now + DAY) == 80
    assert states()[again] == "scheduled"


def test_planned_version_is_replaced_once(put, get, transact, states, now):
    planned = put(75, at=now + DAY)
    change = PolicyChange(WATTS, 80, effective_from=now + DAY, replaces=planned)
    made = transact(lambda session, now: set_policies(session, [change], by=TESTER, now=now)[0].id)
    assert get(at=now + DAY) == 80
    assert states() == {planned: "replaced", made: "scheduled"}
    with pytest.raises(PolicyRefused, match=f"version {made} has replaced version {planned} already"):
        transact(lambda session, now: set_policies(session, [change], by=TESTER, now=now))


@pytest.mark.parametrize(
    ("change", "because"),
    [
        (lambda one, now: {"replaces": one}, "is in force since .*; only what is still to come"),
        (lambda one, now: {"replaces": one + 100}, r"has no version \d+ at the whole group"),
        (lambda one, now: {"replaces": one, "where": Where(item_id=3)}, "has no version \\d+ at item #3"),
        (lambda one, now: {"cancels": True}, "name the version to cancel"),
    ],
)
def test_what_is_in_force_or_elsewhere_cannot_be_replaced(put, transact, now, change, because):
    wish = PolicyChange(**{"policy": WATTS, "value": None, **change(put(60), now)})
    with pytest.raises(PolicyRefused, match=because):
        transact(lambda session, now: set_policies(session, [wish], by=TESTER, now=now))


def test_replacement_takes_effect_when_the_replaced_one_would_have(put, transact, now):
    planned = put(75, at=now + DAY)
    wish = PolicyChange(WATTS, 80, effective_from=now + 2 * DAY, replaces=planned)
    with pytest.raises(PolicyRefused, match="takes effect when it would have") as refused:
        transact(lambda session, now: set_policies(session, [wish], by=TESTER, now=now))
    assert refused.value.field == "effective_from"


def test_what_is_in_force_cannot_be_cancelled(put, apply):
    one = put(60)
    with pytest.raises(PolicyRefused, match="only a scheduled version can be cancelled"):
        apply(lambda session, now: cancellation(session, WATTS, one, now=now))


def test_rollback_is_a_new_version_equal_to_the_old_one(put, get, apply, transact):
    first, second = put(60), put(75)
    third = apply(lambda session, now: rollback(session, WATTS, first))
    assert get() == 60
    found = transact(lambda session, now: [(one.id, one.value) for one in chronicle(session, WATTS, now=now)])
    assert found == [(third, 60), (second, 75), (first, 60)]
    with pytest.raises(PolicyRefused, match=r"lamp\.watts has no version 9999"):
        apply(lambda session, now: rollback(session, WATTS, 9999))
    with pytest.raises(PolicyRefused, match=r"lamp\.rate has no version"):
        apply(lambda session, now: rollback(session, "lamp.rate", first))


def test_of_several_changes_all_are_kept_or_none(transact, superuser):
    wishes = [PolicyChange(WATTS, 60), PolicyChange("lamp.rate", "half")]
    with pytest.raises(PolicyRefused, match=r"lamp\.rate takes a number"):
        transact(lambda session, now: set_policies(session, wishes, by=TESTER, now=now))
    twice = [PolicyChange(WATTS, 60), PolicyChange(WATTS, 70)]
    with pytest.raises(PolicyRefused, match="takes effect at the same place and moment"):
        transact(lambda session, now: set_policies(session, twice, by=TESTER, now=now))
    assert superuser("SELECT count(*) FROM onhand.policy_version") == [(0,)]
    assert superuser("SELECT count(*) FROM onhand.audit") == [(0,)]


def test_database_holds_that_a_moment_is_taken_once(put, superuser):
    put(60)
    with pytest.raises(Exception, match="policy_version_moment_idx"):
        superuser(
            "INSERT INTO onhand.policy_version (policy, value, effective_from, recorded_at, actor)"
            " SELECT policy, value, effective_from, recorded_at, actor FROM onhand.policy_version"
        )


def test_why_names_the_version_that_decided_and_what_it_overrode(put, transact, entities, now):
    a = Where(entity_id=entities[0].id)
    group, entity = put(60), put(75, where=a, reason="brighter shop")
    put(90, where=Where(item_id=7))
    put(99, where=a, at=now + DAY)
    found = transact(lambda session, now: why(session, WATTS, a, at=now))
    assert (found.value, found.decided.version, found.decided.place) == (75, entity, "entity A")
    assert (found.decided.by, found.decided.reason) == ("test", "brighter shop")
    assert [(step.version, step.value) for step in found.overridden] == [(group, 60), (None, 40)]
    elsewhere = transact(lambda session, now: why(session, WATTS, Where(), at=now - DAY))
    assert (elsewhere.value, elsewhere.decided.version, elsewhere.overridden) == (40, None, ())


def test_why_calls_people_by_their_name(transact, person):
    ada = person("admin", name="Ada Lovelace")
    by = Actor("user", ada.id, ada.name, ada.id)
    transact(lambda session, now: set_policies(session, [PolicyChange(WATTS, 60)], by=by, now=now) and None)
    assert transact(lambda session, now: why(session, WATTS, Where(), at=now).decided.by) == "Ada Lovelace"


def test_condition_decides_by_the_facts_and_is_told_when_it_does_not_hold(put, get, transact, entities):
    a = Where(entity_id=entities[0].id)
    put(1, name=LEVEL)
    night = put(-3, where=a, name=LEVEL, condition="hour < 6 || room == 'cellar'")
    assert [get(name=LEVEL, where=a, hour=hour, room="hall") for hour in (5, 6)] == [-3, 1]
    assert get(name=LEVEL, where=a, hour=12, room="cellar") == -3
    assert get(name=LEVEL, where=a) == 1, "without facts a condition does not hold"
    found = transact(lambda session, now: why(session, LEVEL, a, at=now, facts={"hour": 9, "room": "hall"}))
    assert (found.value, [step.version for step in found.passed_over]) == (1, [night])


@pytest.mark.parametrize(
    ("condition", "because"),
    [
        ("hour < ", "character 7: mismatched input"),
        ("hour < && 3", "character 8: "),
        ("watt > 3", "character 1: there is no variable 'watt' here; known: hour .whole number., room .text."),
        ("hour + 1", "it answers 2, not true or false"),
        ("hour > 'a'", "it cannot be judged"),
        ("nothing(hour)", "it cannot be judged"),
        ("[1, 2].all(hour, hour > 0)", "all.. is not allowed"),
        ("(" * 60 + "true" + ")" * 60, "nests brackets at most 40 deep"),
        ("hour > 1 || " * 200 + "true", "at most 1000 characters"),
        ("hour\n> 3", "one line"),
        ("__import__('os').system('true') == 0", "there is no|it cannot be judged"),
    ],
)
def test_bad_condition_is_refused_with_its_position(put, superuser, condition, because):
    with pytest.raises(PolicyRefused, match=because) as refused:
        put(1, name=LEVEL, condition=condition)
    assert (refused.value.policy, refused.value.field) == (LEVEL, "condition")
    assert superuser("SELECT count(*) FROM onhand.policy_version") == [(0,)]


def test_policy_without_variables_takes_no_condition(put):
    with pytest.raises(PolicyRefused, match=r"lamp\.watts takes no condition"):
        put(1, condition="true")


def test_change_is_told_to_the_audit_trail(put, superuser, entities):
    version = put(75, where=Where(entity_id=entities[0].id), reason="brighter shop")
    [(action, subject, after, reason, entity_id)] = superuser(
        "SELECT action, subject, after, reason, entity_id FROM onhand.audit"
    )
    assert (action, subject, reason, entity_id) == ("policy.set", f"policy:{WATTS}", "brighter shop", entities[0].id)
    assert (after["version"], after["value"]) == (version, 75)


def test_the_version_in_force_is_taken_back_to_what_was_said_before_it(put, apply, get, states):
    first = put(60)
    second = put(75)
    with pytest.raises(PolicyRefused, match="is not in force: roll back to the version you want"):
        apply(lambda session, now: taking_back(session, WATTS, first, now=now))
    third = apply(lambda session, now: taking_back(session, WATTS, second, now=now))
    assert get() == 60
    assert states() == {first: "past", second: "past", third: "in force"}


def test_taking_back_the_first_version_leaves_nothing_set(put, apply, get, states):
    first = put(60)
    second = apply(lambda session, now: taking_back(session, WATTS, first, now=now))
    assert get() == 40, "the default"
    assert states() == {first: "past", second: "ended"}
