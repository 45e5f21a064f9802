"""Policies over REST: what there is, why, history, changing, undoing; refusals name the field."""

from datetime import timedelta

import pytest

POLICIES = "/api/v1/policies"
WATTS = f"{POLICIES}/lamp.watts"
ALL = ("policies.read", "policies.edit")


@pytest.fixture
def lead(api, token, entities):
    return api(token(entities[0], *ALL))


@pytest.fixture
def group(api, token, entities):
    return api(token(None, *ALL))


def post(program, path, **body):
    answer = program.post(path, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json


def test_policies_are_told_with_what_they_take(lead):
    found = {one["name"]: one for one in lead.get(POLICIES).json["items"]}
    assert found["lamp.level"]["takes"] == "a whole number from -5 to 5"
    assert found["lamp.level"]["variables"][0] == {"name": "hour", "type": "int", "help": "Of the day"}
    assert found["lamp.rate"]["default"] == "0.5"
    assert found["lamp.watts"]["per"][-1] == "entity"


def test_version_is_set_explained_rolled_back_and_told(lead, transact):
    made = post(lead, f"{WATTS}/versions", value=60, place={"entity": "A"}, reason="bright")
    [first] = made["versions"]
    assert made["status"] == "set"
    post(lead, f"{WATTS}/versions", value=75, place={"entity": "A"})
    why = lead.get(f"{WATTS}/why?entity=A").json
    assert (why["value"], why["decided"]["place"], why["decided"]["by"]) == (75, "entity A", "test")
    assert [step["value"] for step in why["overridden"]] == [40]
    post(lead, f"{WATTS}/rollback", version=first)
    told = lead.get(f"{WATTS}/versions").json["items"]
    assert [(one["value"], one["state"]) for one in told] == [(60, "in force"), (75, "past"), (60, "past")]
    assert told[0]["reason"] == f"back to version {first}"


def test_condition_is_explained_for_facts(lead):
    post(lead, f"{POLICIES}/lamp.level/versions", value=-3, place={"entity": "A"}, condition="hour < 6")
    ask = f"{POLICIES}/lamp.level/why?entity=A"
    assert [lead.get(f"{ask}&hour={hour}").json["value"] for hour in (5, 6)] == [-3, 0]
    assert len(lead.get(ask).json["passed_over"]) == 1
    assert lead.get(f"{ask}&colour=red").status_code == 422


def test_scheduled_version_is_cancelled(lead, transact):
    later = transact(lambda _, now: (now + timedelta(days=1)).isoformat())
    [planned] = post(lead, f"{WATTS}/versions", value=60, place={"entity": "A"}, effective_from=later)["versions"]
    post(lead, f"{WATTS}/cancel", version=planned)
    assert {one["state"] for one in lead.get(f"{WATTS}/versions").json["items"]} == {"cancelled", "cancels"}
    answer = lead.post(f"{WATTS}/cancel", json={"version": planned})
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (409, "replaces")


def test_dry_run_keeps_nothing(lead, superuser):
    assert post(lead, f"{WATTS}/versions", value=60, place={"entity": "A"}, dry_run=True)["status"] == "dry_run"
    assert superuser("SELECT count(*) FROM onhand.policy_version, onhand.approval") == [(0,)]


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"value": "bright"}, 422, "value"),
        ({"value": 7, "place": {"item": "x", "entity": "A"}}, 422, "scope.item"),
        ({"value": 7, "place": {"entity": "Z"}}, 422, "scope.entity"),
        ({"value": 7, "place": {"planet": "X"}}, 422, "place.planet"),
        ({"value": 7, "condition": "hour > 1"}, 422, "condition"),
        ({"value": 7, "effective_from": "tomorrow"}, 422, "effective_from"),
        ({}, 422, "value"),
        ({"value": 7, "replaces": 99}, 422, "replaces"),
    ],
)
def test_refusal_names_the_field(group, body, status, field):
    answer = group.post(f"{WATTS}/versions", json=body)
    assert answer.status_code == status, answer.text
    assert [error["field"] for error in answer.json["errors"]] == [field]


def test_second_version_for_a_moment_is_a_conflict_that_names_the_first(lead, transact):
    later = transact(lambda _, now: (now + timedelta(days=1)).isoformat())
    body = {"value": 60, "place": {"entity": "A"}, "effective_from": later}
    [first] = post(lead, f"{WATTS}/versions", **body)["versions"]
    answer = lead.post(f"{WATTS}/versions", json=body | {"value": 70})
    assert (answer.status_code, answer.json["version"]) == (409, first)
    post(lead, f"{WATTS}/versions", **body | {"value": 70, "replaces": first})


def test_group_and_other_entities_are_out_of_an_entitys_reach(lead, group, superuser):
    assert lead.post(f"{WATTS}/versions", json={"value": 60}).status_code == 403
    assert lead.post(f"{WATTS}/versions", json={"value": 60, "place": {"entity": "B"}}).status_code == 403
    assert lead.get(f"{WATTS}/why?entity=B").status_code == 422
    [version] = post(group, f"{WATTS}/versions", value=60, place={"entity": "B"})["versions"]
    assert lead.get(f"{WATTS}/versions").json["items"] == []
    assert lead.post(f"{WATTS}/rollback", json={"version": version}).status_code == 403
    assert lead.get(f"{POLICIES}/lamp.colour/versions").status_code == 404
    assert superuser("SELECT count(*) FROM onhand.policy_version") == [(1,)]


def test_who_may_only_read_changes_nothing(api, token, entities):
    reader = api(token(entities[0], "policies.read"))
    assert reader.get(POLICIES).status_code == 200
    for path in ("versions", "rollback", "cancel"):
        assert reader.post(f"{WATTS}/{path}", json={"value": 1, "version": 1}).status_code == 403


def test_without_a_back_test_nothing_is_replayed(lead):
    found = post(lead, f"{WATTS}/backtest", value=60, place={"entity": "A"})
    assert found == {"days": 7, "tests": []}


def test_profiles_are_listed_compared_and_applied(lead, superuser):
    assert {one["name"] for one in lead.get(f"{POLICIES}/profiles").json["items"]} >= {"luxury", "grocery"}
    diff = lead.get(f"{POLICIES}/profiles/luxury?entity=A").json
    assert {line["policy"]: line["differs"] for line in diff["lines"]} == {"lamp.watts": True, "lamp.shape": False}
    assert {one["policy"]: one["because"] for one in diff["skipped"]} == {
        "lamp.heat": "no installed add-on reads it",
        "lamp.dims": "it is not set per entity",
        "lamp.form": "lamp.form takes one of round, flat, not 'square'",
    }
    assert len(post(lead, f"{POLICIES}/profiles/luxury", entity="A")["versions"]) == 1
    assert post(lead, f"{POLICIES}/profiles/luxury", entity="A")["versions"] == []
    assert superuser("SELECT policy, value, reason FROM onhand.policy_version") == [
        ("lamp.watts", 25, "profile Luxury")
    ]
    assert lead.get(f"{POLICIES}/profiles/corner_shop?entity=A").status_code == 422
    assert lead.get(f"{POLICIES}/profiles/luxury?entity=B").status_code == 422


def test_versions_come_in_pages_each_told_as_in_the_whole(lead):
    for value in (60, 65, 70):
        post(lead, f"{WATTS}/versions", value=value, place={"entity": "A"})
    post(lead, f"{WATTS}/versions", value=80, place={"entity": "A", "item": "7"})
    whole = lead.get(f"{WATTS}/versions").json
    assert ([one["value"] for one in whole["items"]], whole["next"]) == ([80, 70, 65, 60], None)
    paged, cursor = [], ""
    while cursor is not None:
        answer = lead.get(f"{WATTS}/versions", query_string={"limit": 2, **({"cursor": cursor} if cursor else {})}).json
        assert len(answer["items"]) == 2
        paged, cursor = paged + answer["items"], answer["next"]
    assert paged == whole["items"]
    assert [one["before"] for one in paged] == ["not set", "65 W", "60 W", "not set"]
    assert lead.get(f"{WATTS}/versions?cursor=forged").status_code == 400


def test_first_version_is_taken_back_in_one_step(lead):
    [first] = post(lead, f"{WATTS}/versions", value=60, place={"entity": "A"})["versions"]
    assert post(lead, f"{WATTS}/undo", version=first, dry_run=True)["status"] == "dry_run"
    [second] = post(lead, f"{WATTS}/undo", version=first)["versions"]
    assert lead.get(f"{WATTS}/why?entity=A").json["value"] == 40
    assert lead.post(f"{WATTS}/undo", json={"version": first}).status_code == 409
    assert second > first


def test_every_number_says_its_bounds(group):
    [watts] = [one for one in group.get(POLICIES).json["items"] if one["name"] == "lamp.watts"]
    assert (watts["minimum"], watts["maximum"]) == (0, None)
    [level] = [one for one in group.get(POLICIES).json["items"] if one["name"] == "lamp.level"]
    assert (level["minimum"], level["maximum"], level["takes"]) == (-5, 5, "a whole number from -5 to 5")
