"""Policies are set as typed, dated rows; what does not fit is refused in words, and history stands."""

from datetime import timedelta
from decimal import Decimal

import pytest
from onhand.policies.book import Where
from onhand.policies.services import PolicyRefused, history, resolve, resolve_many, set_policy
from onhand.testing import TESTER

DAY = timedelta(days=1)
GROUP = Where()


@pytest.fixture
def put(transact):
    """Set a policy: `put("lamp.watts", 60, Where(), later)`."""

    def command(session, now, name, value, where, at):
        version = set_policy(session, name, value, where, by=TESTER, now=now, effective_from=at)
        return version.effective_from, version.recorded_at

    return lambda name, value, where=GROUP, at=None: transact(lambda s, now: command(s, now, name, value, where, at))


@pytest.fixture
def get(transact):
    """Ask for a policy now, or at a time."""
    return lambda name, where=GROUP, at=None: transact(lambda session, now: resolve(session, name, where, at=at or now))


@pytest.fixture
def now(transact):
    return transact(lambda _, now: now)


def test_default_holds_until_somebody_sets_it_and_after_it_was_ended(put, get, entities):
    where = Where(entity_id=entities[0].id)
    assert get("lamp.watts", where) == 40
    put("lamp.watts", 60)
    put("lamp.watts", 75, where)
    assert get("lamp.watts", where) == 75
    put("lamp.watts", None, where)
    assert get("lamp.watts", where) == 60
    put("lamp.watts", None)
    assert get("lamp.watts", where) == 40


def test_most_specific_place_wins(put, get, entities):
    a, b = (Where(entity_id=entity.id) for entity in entities)
    shop = Where(location_id=7, entity_id=entities[0].id)
    item = Where(item_id=9)
    put("lamp.watts", 1, a)
    put("lamp.watts", 2, shop)
    put("lamp.watts", 3, item)
    asked = [a, b, shop, Where(item_id=9, location_id=7, entity_id=entities[0].id), Where(item_id=8)]
    assert [get("lamp.watts", where) for where in asked] == [1, 40, 2, 3, 40]


def test_many_places_are_resolved_at_once_in_their_order(transact, put, entities, statements):
    put("lamp.watts", 1, Where(entity_id=entities[0].id))
    places = [Where(entity_id=entity.id) for entity in (*entities, entities[0])]
    transact(lambda *_: None)
    with statements() as seen:
        values = transact(lambda session, now: resolve_many(session, "lamp.watts", places, at=now), entities=entities)
    assert values == [1, 40, 1]
    with statements() as nothing_asked:
        transact(lambda *_: None, entities=entities)
    assert len(seen) == len(nothing_asked), "memory is read, not the database"


def test_version_takes_effect_from_its_time_on(put, get, now):
    put("lamp.watts", 60, at=now + DAY)
    put("lamp.watts", 50)
    assert [get("lamp.watts", at=now + offset) for offset in (DAY / 2, DAY - timedelta(microseconds=1), DAY)] == [
        50,
        50,
        60,
    ]


def test_back_dated_version_begins_now_and_history_stands(put, get, now, transact):
    put("lamp.watts", 50)
    between = transact(lambda _, now: now)
    effective_from, recorded_at = put("lamp.watts", 60, at=now - 30 * DAY)
    assert effective_from == recorded_at > between
    assert get("lamp.watts", at=between) == 50
    assert get("lamp.watts") == 60


def test_second_version_for_the_same_place_and_moment_is_refused_naming_the_first(put, get, now, transact):
    put("lamp.watts", 60, at=now + DAY)
    [first] = transact(lambda session, _: [row.id for row in history(session, "lamp.watts")])
    with pytest.raises(PolicyRefused, match=rf"lamp\.watts: version {first} takes effect at the same place") as refused:
        put("lamp.watts", 75, at=now + DAY)
    assert (refused.value.policy, refused.value.field, refused.value.other) == ("lamp.watts", "effective_from", first)
    put("lamp.watts", 75, where=Where(item_id=1), at=now + DAY)
    assert get("lamp.watts", at=now + DAY) == 60


def test_history_is_every_version_newest_effect_first(put, transact, now):
    put("lamp.watts", 1)
    put("lamp.watts", 3, at=now + DAY)
    put("lamp.watts", None)
    put("lamp.rate", "0.1")
    found = transact(lambda session, _: [(row.value, row.actor) for row in history(session, "lamp.watts")])
    assert found == [(3, "system:test"), (None, "system:test"), (1, "system:test")]


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("lamp.watts", 0, 0),
        ("lamp.rate", Decimal("0.10"), Decimal("0.10")),
        ("lamp.rate", "0.3", Decimal("0.3")),
        ("lamp.rate", 0.1, Decimal("0.1")),
        ("lamp.rate", 2, Decimal(2)),
        ("lamp.shape", "candle, gross", "candle, gross"),
        ("lamp.dims", True, True),
    ],
)
def test_value_comes_back_as_its_type(put, get, name, value, kept):
    put(name, value)
    found = get(name)
    assert (found, type(found)) == (kept, type(kept))


@pytest.mark.parametrize(
    ("name", "value", "because"),
    [
        ("lamp.watts", "60", r"lamp\.watts takes a whole number \(W\), not '60'"),
        ("lamp.watts", 1.5, r"takes a whole number \(W\), not 1\.5"),
        ("lamp.watts", True, r"takes a whole number \(W\), not True"),
        ("lamp.watts", -1, "cannot be less than 0: -1 was given"),
        ("lamp.watts", 2**63, "cannot be greater than"),
        ("lamp.rate", "half", "takes a number, not 'half'"),
        ("lamp.rate", "-0.1", "cannot be less than 0: -0.1 was given"),
        ("lamp.rate", "NaN", "takes a finite number"),
        ("lamp.rate", float("inf"), "takes a finite number"),
        ("lamp.rate", True, "takes a number, not True"),
        ("lamp.rate", ["0.1"], "takes a number"),
        ("lamp.shape", 5, "takes text, not 5"),
        ("lamp.shape", "tall\x00", "without control characters"),
        ("lamp.dims", 1, "takes true or false, not 1"),
        ("lamp.colour", "red", r"no policy 'lamp\.colour'; known: .*lamp\.dims, .*lamp\.watts"),
        ("lamp.form", "square", "takes one of round, flat, not 'square'"),
        ("lamp.level", -6, "cannot be less than -5: -6 was given"),
        ("lamp.level", 6, "cannot be greater than 5: 6 was given"),
        (
            "lamp.colour",
            "red",
            r"no policy 'lamp\.colour'; known: .*lamp\.dims, lamp\.form, lamp\.level, lamp\.rate, lamp\.shape, lamp\.watts",
        ),
    ],
)
def test_value_that_does_not_fit_is_refused_in_words(put, superuser, name, value, because):
    with pytest.raises(PolicyRefused, match=because):
        put(name, value)
    assert superuser("SELECT count(*) FROM onhand.policy_version") == [(0,)]


@pytest.mark.parametrize(
    ("name", "where", "because"),
    [
        ("lamp.shape", Where(item_id=1), "cannot be set per item; allowed: entity or group"),
        ("lamp.shape", Where(location_id=1, entity_id=1), "cannot be set per location"),
        ("lamp.dims", Where(entity_id=1), "cannot be set per entity; allowed: group"),
    ],
)
def test_place_that_the_policy_may_not_have_is_refused_in_words(put, name, where, because):
    with pytest.raises(PolicyRefused, match=because):
        put(name, "x", where)


def test_unknown_policy_cannot_be_asked_for(get):
    with pytest.raises(PolicyRefused, match="there is no policy"):
        get("lamp.colour")


def test_set_and_rolled_back_was_never_set(transact, get):
    def command(session, now):
        set_policy(session, "lamp.watts", 60, Where(), by=TESTER, now=now)
        raise LookupError

    with pytest.raises(LookupError):
        transact(command)
    assert get("lamp.watts") == 40
