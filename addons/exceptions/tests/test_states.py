"""How an exception goes: new, ongoing, escalating, regressed, resolved; and snoozed beside these."""

from datetime import timedelta
from decimal import Decimal

import pytest
from onhand.access.services import RoleAt
from onhand.db import cursor
from onhand.policies.book import Where
from onhand.policies.services import set_policy
from onhand_exceptions import jobs, services
from onhand_exceptions.services import Done, Refused, Snooze

FIELDS = ("state", "for_review", "snooze", "escalation", "due_at", "opened_at", "owner_user_id", "amount_minor", "id")


class Desk:
    """One cause at the desk. `later` puts the clock of what follows forward."""

    def __init__(self, transact, world, cause, by):
        self.transact, self.world, self.cause, self.by, self.later = transact, world, cause, by, timedelta()

    def run(self, verb):
        return self.transact(lambda session, now: verb(session, now + self.later))

    def raise_(self, minute=0, quantity=1, kind="leak", **evidence):
        one = self.cause(minute=minute, quantity=quantity, **evidence)
        self.world[kind] = {one.key: one}
        self.run(lambda s, now: services.record(s, [one], kind, now=now))
        return self

    def end(self, kind="leak"):
        self.world[kind].clear()
        self.run(lambda s, now: services.recheck(s, self.cause().entity_id, None, now=now))

    def keep_time(self):
        entity = self.cause().entity_id
        return self.run(lambda s, now: (services.wake(s, entity, now=now), services.escalate(s, entity, now=now)))

    def act(self, verb, thing):
        return self.run(lambda s, now: verb(s, [thing], by=self.by, now=now))[0]

    @property
    def row(self):
        sql = f"SELECT {', '.join(FIELDS)} FROM exceptions.exception ORDER BY episode DESC LIMIT 1"
        return dict(zip(FIELDS, self.run(lambda s, _: cursor(s).execute(sql).fetchone()), strict=True))

    @property
    def state(self):
        return self.row["state"]

    @property
    def told(self):
        sql = "SELECT verb, note FROM exceptions.activity ORDER BY id"
        return self.run(lambda s, _: cursor(s).execute(sql).fetchall())


@pytest.fixture
def worth(world):
    """What a unit of an item is worth to the partner's add-on, in minor units."""
    from trouble.plugin import WORTH

    return WORTH


@pytest.fixture
def desk(transact, world, cause, someone):
    return Desk(transact, world, cause, someone)


def test_what_nobody_has_touched_is_new_and_waits_for_review(desk):
    row = desk.raise_().row
    assert (row["state"], row["for_review"]) == ("new", True)


@pytest.mark.parametrize("act", ["assign", "comment"])
def test_whoever_acts_makes_it_ongoing(desk, act):
    id_ = desk.raise_().row["id"]
    wish = services.Assignment(id_, desk.by.id) if act == "assign" else services.Comment(id_, "looking")
    desk.act(getattr(services, act), wish)
    assert (desk.state, desk.row["for_review"]) == ("ongoing", False)


def test_its_service_level_is_that_of_its_kind_at_its_place(desk, transact, entities):
    row = desk.raise_().row
    assert row["due_at"] - row["opened_at"] == timedelta(hours=2)
    desk.end()
    where = Where(entity_id=entities[0].id, location_id=7)
    transact(lambda s, now: set_policy(s, "trouble.leak_hours", 5, where, by=desk.by, now=now) and None)
    desk.later = timedelta(days=2)
    row = desk.raise_(minute=1).row
    assert row["due_at"] - row["opened_at"] == timedelta(hours=5)


def test_a_kind_without_one_goes_by_that_of_all(desk):
    row = desk.raise_(kind="noise").row
    assert row["due_at"] - row["opened_at"] == timedelta(hours=24)


def test_it_escalates_when_its_service_level_has_passed_and_waits_for_review_again(desk):
    desk.act(services.comment, services.Comment(desk.raise_().row["id"], "looking"))
    desk.later = timedelta(hours=1)
    assert desk.keep_time() == (0, 0)
    desk.later = timedelta(hours=2, minutes=1)
    assert desk.keep_time() == (0, 1)
    assert (desk.state, desk.row["for_review"], desk.row["escalation"]) == ("escalating", True, 1)
    assert desk.told[-1] == ("escalated", "open for more than 2 h")
    assert desk.keep_time() == (0, 0)
    desk.act(services.comment, services.Comment(desk.row["id"], "still looking"))
    assert (desk.state, desk.row["for_review"]) == ("escalating", False)


@pytest.fixture
def unowned(transact, entities, someone):
    """What opens is nobody's, unless somebody manages its location."""
    where = Where(entity_id=entities[0].id)
    transact(lambda s, now: set_policy(s, "exceptions.owner_role", "", where, by=someone, now=now) and None)


@pytest.mark.usefixtures("unowned")
def test_after_twice_its_service_level_it_is_given_to_the_role_that_takes_over(desk, person, entities):
    here = person(RoleAt("governance", entities[0].id), name="Nearer than the group's")
    desk.raise_()
    for hours in (3, 6):
        desk.later = timedelta(hours=hours)
        desk.keep_time()
    assert (desk.row["escalation"], desk.row["owner_user_id"]) == (2, here.id)
    assert desk.told[-2:] == [("escalated", "open for more than 4 h"), ("assigned", None)]
    desk.later = timedelta(days=9)
    assert desk.keep_time() == (0, 0)


@pytest.mark.usefixtures("unowned")
def test_nobody_takes_over_where_the_policy_names_no_role(desk, transact, entities):
    where = Where(entity_id=entities[0].id)
    transact(lambda s, now: set_policy(s, "exceptions.escalate_to", "", where, by=desk.by, now=now) and None)
    desk.raise_()
    for hours in (3, 6):
        desk.later = timedelta(hours=hours)
        desk.keep_time()
    assert (desk.row["escalation"], desk.row["owner_user_id"]) == (2, None)


def test_what_comes_back_has_regressed_and_its_time_starts_anew(desk):
    desk.raise_()
    desk.later = timedelta(hours=3)
    desk.keep_time()
    desk.end()
    assert (desk.state, desk.row["for_review"]) == ("resolved", False)
    desk.later = timedelta(hours=4)
    row = desk.raise_(minute=1).row
    assert (row["state"], row["for_review"], row["escalation"]) == ("regressed", True, 0)
    assert desk.keep_time() == (0, 0)
    desk.later = timedelta(hours=7)
    assert desk.keep_time() == (0, 1)


def test_the_next_episode_of_what_was_resolved_has_regressed(desk):
    desk.raise_()
    desk.end()
    desk.later = timedelta(days=3)
    assert desk.raise_(minute=1).state == "regressed"


def test_snoozed_until_a_date_it_rests_and_then_wakes(desk):
    id_ = desk.raise_().row["id"]
    at = desk.row["opened_at"] + timedelta(hours=5)
    assert desk.act(services.snooze, Snooze(id_, "date", at=at)) == Done(id_)
    assert (desk.state, desk.row["for_review"], desk.row["snooze"]) == ("ongoing", False, "date")
    desk.later = timedelta(hours=4)
    assert desk.keep_time() == (0, 0)
    desk.later = timedelta(hours=5, minutes=1)
    assert desk.keep_time() == (1, 1)
    assert (desk.state, desk.row["for_review"], desk.row["snooze"]) == ("escalating", True, None)


def test_snoozed_until_worse_it_wakes_when_more_units_are_at_stake(desk):
    id_ = desk.raise_(quantity=3).row["id"]
    desk.act(services.snooze, Snooze(id_, "worse"))
    desk.raise_(minute=1, quantity=3).raise_(minute=2, quantity=2)
    assert desk.row["snooze"] == "worse"
    desk.raise_(minute=3, quantity=4)
    assert (desk.state, desk.row["for_review"], desk.row["snooze"]) == ("escalating", True, None)
    assert desk.told[-1] == ("woken", "it is worse")


def test_snoozed_until_seen_so_often_it_wakes_at_that_count(desk):
    id_ = desk.raise_().row["id"]
    desk.act(services.snooze, Snooze(id_, "count", times=2))
    assert desk.raise_(minute=1).row["snooze"] == "count"
    assert desk.raise_(minute=2).row["snooze"] is None
    assert desk.row["for_review"]


def test_what_is_snoozed_closes_by_itself_as_ever(desk):
    desk.act(services.snooze, Snooze(desk.raise_().row["id"], "worse"))
    desk.end()
    assert (desk.state, desk.row["snooze"]) == ("resolved", None)


def test_a_snooze_can_be_ended_by_hand(desk):
    id_ = desk.raise_().row["id"]
    desk.act(services.snooze, Snooze(id_, "worse"))
    assert desk.act(services.snooze, Snooze(id_, None)) == Done(id_)
    assert (desk.row["snooze"], desk.told[-1][0]) == (None, "woken")


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ({"until": "date"}, "date_not_ahead"),
        ({"until": "date", "at": timedelta(minutes=-1)}, "date_not_ahead"),
        ({"until": "date", "at": timedelta(days=91)}, "date_too_far"),
        ({"until": "count"}, "count_out_of_range"),
        ({"until": "count", "times": 0}, "count_out_of_range"),
        ({"until": "count", "times": 10_001}, "count_out_of_range"),
    ],
)
def test_a_snooze_that_makes_no_sense_is_refused(desk, how, why):
    row = desk.raise_().row
    if "at" in how:
        how = how | {"at": row["opened_at"] + how["at"]}
    answer = desk.act(services.snooze, Snooze(row["id"], **how))
    assert isinstance(answer, Refused)
    assert answer.why == why
    assert desk.row["snooze"] is None


def test_what_is_resolved_cannot_be_snoozed(desk):
    id_ = desk.raise_().row["id"]
    desk.end()
    assert desk.act(services.snooze, Snooze(id_, "worse")).why == "already_resolved"


def test_the_job_wakes_and_escalates_all_that_is_due_and_twice_is_harmless(app, desk, transact):
    desk.raise_()
    sql = "UPDATE exceptions.exception SET due_at = now() - interval '1 h', escalates_at = now() - interval '1 h'"
    transact(lambda s, _: cursor(s).execute(sql) and None)
    with app.app_context():
        for _ in range(2):
            jobs.keep_time([desk.cause().entity_id])
    assert (desk.state, desk.row["escalation"]) == ("escalating", 1)


def test_the_money_at_risk_is_what_the_evidence_says(desk):
    assert desk.raise_(amount_minor=1_250).row["amount_minor"] == 1_250
    assert desk.raise_(minute=1, amount_minor="lots").row["amount_minor"] is None


def test_else_it_is_the_units_at_what_one_is_worth(desk, worth):
    worth[1] = Decimal("299.5")
    assert desk.raise_(quantity=3).row["amount_minor"] == 899
    assert desk.raise_(minute=1, quantity=4).row["amount_minor"] == 1_198


def test_a_value_set_later_counts_for_what_is_open(desk, worth, entities):
    desk.raise_(quantity=3)
    for value, amount in ((Decimal(400), 1_200), (Decimal(500), 1_500), (None, None)):
        worth.update({1: value}) if value else worth.clear()
        desk.run(lambda s, now: services.recheck(s, entities[0].id, None, now=now))
        assert desk.row["amount_minor"] == amount


def test_where_nobody_knows_it_is_unknown_not_nothing(desk):
    assert desk.raise_(quantity=3).row["amount_minor"] is None
