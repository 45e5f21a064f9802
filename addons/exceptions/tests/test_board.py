"""The board: how it stands per location and kind, counted once and looked at often."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from onhand.access.services import RoleAt
from onhand_exceptions import board, jobs, services


@pytest.fixture
def entity(entities):
    return entities[0].id


@pytest.fixture
def count(transact, entity):
    """Count, so much later."""

    def run(**later):
        transact(lambda s, now: services.tally(s, entity, now=now + timedelta(**later)))

    return run


@pytest.fixture
def troubles(transact, world, cause, entity):
    """Two leaks and a noise at S1, a leak at S2, a noise nowhere; the leaks at S1 are worth 12.50 together."""
    places = {"a": 1, "b": 1, "c": 2}
    leaks = [
        replace(
            cause(key, **{"location": f"S{place}"} | ({"amount_minor": 625} if place == 1 else {})), location_id=place
        )
        for key, place in places.items()
    ]
    noises = [replace(cause("d", location="S1"), location_id=1), replace(cause("e", location=None), location_id=None)]
    for kind, causes in (("leak", leaks), ("noise", noises)):
        world[kind] = {one.key: one for one in causes}
        transact(lambda s, now, c=causes, k=kind: services.record(s, c, k, now=now))


def lines(transact, entity, by, places=None, **where):
    def read(session, _):
        day, _at = board.latest(session, entity)
        if by == "kind":
            return board.by_kind(session, entity, day, places, where.get("location"))
        return board.by_location(session, entity, day, places)

    return {line.name: line for line in transact(read)}


def test_what_is_open_is_counted_by_location_and_by_kind(transact, entity, troubles, count):
    count()
    here = lines(transact, entity, "location")
    assert {name: (line.open, line.amount_minor, line.unvalued) for name, line in here.items()} == {
        "S1": (3, 1_250, 1), "S2": (1, 0, 1), None: (1, 0, 1),
    }  # fmt: skip
    kinds = lines(transact, entity, "kind")
    assert {name: (line.open, line.opened) for name, line in kinds.items()} == {"leak": (3, 3), "noise": (2, 2)}
    assert {name: line.open for name, line in lines(transact, entity, "kind", location="S1").items()} == {
        "leak": 2, "noise": 1,
    }  # fmt: skip


def test_people_of_one_location_see_its_numbers_only(transact, entity, troubles, count):
    count()
    assert list(lines(transact, entity, "location", frozenset({2}))) == ["S2"]
    assert lines(transact, entity, "location", frozenset()) == {}


def test_age_is_judged_against_the_service_level(transact, entity, troubles, count):
    count()
    leak = lines(transact, entity, "kind")["leak"]
    assert (leak.due_soon, leak.overdue) == (3, 0)
    count(hours=3)
    kinds = lines(transact, entity, "kind")
    assert (kinds["leak"].due_soon, kinds["leak"].overdue, kinds["noise"].overdue) == (0, 3, 0)
    for hours in (3, 6):
        transact(lambda s, now, h=hours: services.escalate(s, entity, now=now + timedelta(hours=h)))
    count(hours=6)
    assert lines(transact, entity, "kind")["leak"].long_overdue == 3


def test_counting_twice_is_counting_once_and_what_is_gone_is_gone(transact, entity, troubles, count, world):
    count()
    world["leak"].clear()
    transact(lambda s, now: services.recheck(s, entity, None, now=now) and None)
    for _ in range(2):
        count()
    kinds = lines(transact, entity, "kind")
    assert (kinds["leak"].open, kinds["leak"].resolved, kinds["noise"].open) == (0, 3, 2)


def test_the_trend_has_thirty_days_and_a_day_nobody_counted_stands_as_the_one_before(transact, entity, troubles, count):
    count(days=-40)
    count(days=-3)
    count()

    def read(session, _):
        day, _at = board.latest(session, entity)
        return board.trend(session, entity, day, None, None)

    days = transact(read)
    assert len(days) == 30
    assert [one.open for one in days[-5:]] == [0, 5, 5, 5, 5]
    assert [one.opened for one in days[-3:-1]] == [0, 0]


def test_what_was_open_on_a_day_gone_by_is_not_said_to_be_open(
    transact, entity, troubles, count, world, browser_of, person, superuser
):
    count()
    world["leak"].clear()
    world["noise"].clear()
    transact(lambda s, now: services.recheck(s, entity, None, now=now) and None)
    superuser("UPDATE exceptions.tally SET day = day - 2")
    moments = ("first_seen_at", "last_seen_at", "opened_at", "resolved_at")
    superuser(f"UPDATE exceptions.exception SET {', '.join(f'{one} = {one} - interval $$2 days$$' for one in moments)}")
    board_of = browser_of(person("governance"))
    for query, most in (({}, 5), ({"location": "S2"}, 1)):
        text = re.sub("<[^>]+>", " ", board_of.get("/exceptions/board", **query).text)
        assert f"Open at the end of the day: 0 today, at most {most}" in words(text)
    assert {name: line.open for name, line in lines(transact, entity, "kind").items()} == {"leak": 0, "noise": 0}


def test_the_job_counts_every_entity(app, transact, entity, troubles):
    with app.app_context():
        for _ in range(2):
            jobs.count([entity])
    assert lines(transact, entity, "kind")["leak"].open == 3


def words(page):
    return re.sub(r"\s+", " ", page)


def test_every_number_leads_to_its_exceptions(troubles, browser_of, person):
    desktop = browser_of(person(RoleAt("governance"), name="Ada"))
    page = desktop.get("/exceptions/board").text
    assert 'href="/exceptions/?tab=open&amp;q=location%3AS1">3</a>' in page
    assert 'href="/exceptions/?tab=open&amp;q=kind%3Aleak">3</a>' in page
    assert "12.50" in page
    assert "<svg" in page
    assert "Nothing is escalating" in page
    here = desktop.get("/exceptions/board", location="S1").text
    assert 'href="/exceptions/?tab=open&amp;q=kind%3Aleak+location%3AS1">2</a>' in here
    for href in re.findall(r'href="(/exceptions/\?[^"]*)"', page + here):
        assert desktop.get(href.replace("&amp;", "&")).status_code == 200
        assert "cannot be read" not in desktop.get(href.replace("&amp;", "&")).text


def test_what_has_escalated_is_named(troubles, browser_of, person, transact, entity):
    transact(lambda s, now: services.escalate(s, entity, now=now + timedelta(hours=3)))
    page = words(browser_of(person(RoleAt("governance"), name="Ada")).get("/exceptions/board").text)
    assert "nobody looked yet" in page
    assert "1 missing" in page


def test_a_board_of_nothing_says_so(browser_of, person):
    page = browser_of(person("governance")).get("/exceptions/board").text
    assert "Nothing is open" in page
