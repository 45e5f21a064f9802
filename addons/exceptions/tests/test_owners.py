"""Whose an exception is: rules of which the last that matches wins, else who looks after the place."""

import pytest
from onhand.access.services import RoleAt
from onhand.db import cursor
from onhand.policies.book import Where
from onhand.policies.services import set_policy
from onhand_exceptions import services
from onhand_exceptions.ownership import BadRule, Subject, deciding, parse_rules

RULES = """
# the last line that matches wins
*                             role:governance
kind:leak                     role:store_manager
kind:noise,event_* channel:w* @ada     # the web's noise
location:104,105 category:dairy @grace
item:851* nobody
"""


def by(**subject):
    rule = deciding(parse_rules(RULES), Subject(**subject))
    return rule.owner if rule else None


@pytest.mark.parametrize(
    ("subject", "owner"),
    [
        ({"kind": "shortage"}, "role:governance"),
        ({"kind": "leak"}, "role:store_manager"),
        ({"kind": "noise"}, "role:governance"),
        ({"kind": "event_parked", "channel": "web"}, "@ada"),
        ({"kind": "leak", "location": "104", "categories": ("milk", "dairy")}, "@grace"),
        ({"kind": "leak", "location": "106", "categories": ("milk", "dairy")}, "role:store_manager"),
        ({"kind": "leak", "location": "104"}, "role:store_manager"),
        ({"kind": "leak", "item": "85123A"}, "nobody"),
    ],
)
def test_the_last_line_that_matches_wins(subject, owner):
    assert by(**subject) == owner


def test_without_a_line_that_matches_no_rule_decides():
    assert deciding(parse_rules("kind:leak @ada"), Subject(kind="noise")) is None


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("\nkinds:leak @ada", 2, "did you mean kind"),
        ("@ada", 1, "at least one pattern"),
        ("kind:leak", 1, "at least one pattern"),
        ("kind:leak ada", 1, "ends with an owner"),
        ("leak @ada", 1, "is no pattern"),
        ("kind: @ada", 1, "says nothing"),
        ("* role:governanze", 1, "did you mean governance?"),
        ("kind:leek @ada", 1, "did you mean leak?"),
        ("* @bob", 1, "nobody with the user name 'bob'"),
        ("\n" * 500 + "* @ada", 501, "at most 500 lines"),
        ("* @ada #" + "x" * 300, 1, "at most 300 characters"),
    ],
)
def test_a_line_that_cannot_be_meant_is_named(text, line, said):
    with pytest.raises(BadRule) as raised:
        parse_rules(text, kinds=("leak", "noise"), roles=("governance",), people=("ada",))
    assert raised.value.line == line
    assert said in raised.value.message


class Office:
    """An entity whose rules a test sets, and who got what is raised."""

    def __init__(self, transact, entity, world, cause, by):
        self.transact, self.entity, self.world, self.cause, self.by = transact, entity, world, cause, by
        self.raised = 0

    def rule(self, text):
        return self.transact(lambda s, now: services.set_rules(s, self.entity.id, text, by=self.by, now=now))

    def owner(self, kind="leak", **evidence):
        self.raised += 1
        one = self.cause(f"k{self.raised}", **evidence)
        self.world[kind] = {one.key: one}
        self.transact(lambda s, now: services.record(s, [one], kind, now=now))
        sql = "SELECT owner_user_id FROM exceptions.exception WHERE cause_key = %s"
        return self.transact(lambda s, _: cursor(s).execute(sql, (one.key,)).fetchone())[0]


@pytest.fixture
def office(transact, entities, world, cause, person):
    return Office(transact, entities[0], world, cause, person("admin", name="Root").actor)


@pytest.fixture
def manager(person, entities):
    return person(RoleAt("store_manager", entities[0].id, 7), name="Grace")


def test_the_manager_of_the_location_owns_what_no_rule_names(office, manager, person):
    ada = person("governance", name="Ada")
    assert office.owner() == manager.id
    office.rule(f"kind:noise @{ada.username}")
    assert (office.owner(), office.owner("noise")) == (manager.id, ada.id)


def test_a_role_is_whoever_holds_it_nearest_to_the_place(office, person, entities):
    group = person("governance", name="Of the group")
    office.rule("* role:governance")
    assert office.owner() == group.id
    here = person(RoleAt("governance", entities[0].id), name="Of the entity")
    assert office.owner() == here.id
    there = person(RoleAt("governance", entities[0].id, 7), name="Of the place")
    assert office.owner() == there.id


def test_without_location_and_rule_it_goes_to_the_role_of_the_policy(office, person, transact, entities):
    from dataclasses import replace

    ada = person(RoleAt("governance", entities[0].id), name="Ada")
    make = office.cause
    office.cause = lambda key, **evidence: replace(make(key, **evidence), location_id=None)
    assert office.owner(channel="web") == ada.id
    where = Where(entity_id=entities[0].id)
    transact(lambda s, now: set_policy(s, "exceptions.owner_role", "", where, by=office.by, now=now) and None)
    assert office.owner(channel="web") is None
    office.rule(f"channel:web @{ada.username}")
    assert office.owner(channel="web") == ada.id
    assert office.owner(channel="till") is None


def test_nobody_means_nobody(office, manager):
    office.rule("* nobody")
    assert office.owner() is None


def test_a_rule_whose_owner_has_left_counts_as_none(office, manager, person, superuser):
    gone = person("clerk", name="Gone")
    office.rule(f"* @{gone.username}")
    superuser(f'UPDATE onhand."user" SET active = false WHERE id = {gone.id} RETURNING 1')
    assert office.owner() == manager.id


def test_wrong_rules_change_nothing_and_the_same_add_no_version(office, superuser):
    office.rule("* nobody")
    with pytest.raises(BadRule, match="line 1"):
        office.rule("* @nobody-of-that-name")
    office.rule("* nobody")
    assert superuser("SELECT text FROM exceptions.owner_rules") == [("* nobody",)]
    trail = superuser(
        "SELECT before ->> 'text', after ->> 'text' FROM onhand.audit WHERE action = 'exceptions.set_rules'"
    )
    assert trail == [("", "* nobody")]


def test_each_entity_has_rules_of_its_own(office, entities):
    office.rule("* nobody")
    read = lambda s, _: services.rules_text(s, entities[1].id)  # noqa: E731
    assert office.transact(read) == ""


def test_what_is_nobodys_can_be_given_away_afterwards(office, person, transact):
    assert office.owner() is None
    ada = person("clerk", name="Ada")
    office.rule(f"* @{ada.username}")
    give = lambda s, now: services.adopt(s, office.entity.id, by=office.by, now=now)  # noqa: E731
    assert transact(give) == 1
    assert transact(give) == 0
    sql = "SELECT owner_user_id FROM exceptions.exception"
    assert transact(lambda s, _: cursor(s).execute(sql).fetchall()) == [(ada.id,)]


def test_the_page_says_who_would_own_what_and_why(office, manager, browser_of, person):
    lead = person("governance", name="Lea")
    desktop = browser_of(lead)
    page = desktop.get("/exceptions/owners", kind="noise").text
    assert "Lea" in page
    assert "no rule matches" in page
    answer = desktop.post("/exceptions/owners", at="/exceptions/owners", text=f"kind:noise @{lead.username}")
    assert answer.status_code == 303
    page = desktop.get("/exceptions/owners", kind="noise").text
    assert f"by line 1: <code>kind:noise @{lead.username}</code>" in " ".join(page.split())
    answer = desktop.post("/exceptions/owners", at="/exceptions/owners", text="kind:noize @x")
    assert answer.status_code == 422
    assert "Line 1: there is nobody with the user name" in answer.text
    assert "kind:noize @x" in answer.text
    answer = desktop.post("/exceptions/owners/adopt", at="/exceptions/owners")
    assert answer.status_code == 303


def test_who_may_not_change_the_rules_can_read_them(office, manager, browser_of):
    office.rule("* nobody")
    desktop = browser_of(manager)
    page = desktop.get("/exceptions/owners").text
    assert "* nobody" in page
    assert "Save rules" not in page
    assert desktop.post("/exceptions/owners", at="/exceptions/", text="").status_code == 403
