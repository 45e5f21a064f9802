"""Acts upon many exceptions over REST: an outcome for each, once per key, and taken back."""

import pytest
from onhand.access.services import RoleAt
from onhand_exceptions import services

READ, WORK = "exceptions.read", "exceptions.work"
LIST = "/api/v1/exceptions"
ACTS = f"{LIST}/acts"


@pytest.fixture
def ids(transact, world, cause, entities):
    """Four leaks, a to d, at S7 of A, and one of B, by key."""
    b = entities[1]
    causes = [cause(key, minute=n) for n, key in enumerate("abcd")] + [cause("x", entity=b.id)]
    world["leak"] = {one.key: one for one in causes}

    def tell(session, now):
        services.record(session, causes[:4], "leak", now=now)
        services.record(session, causes[4:], "leak", now=now)
        return {row.cause_key: str(row.id) for row in session.execute(_all())}

    return transact(tell)


def _all():
    from onhand_exceptions.models import Exception_
    from sqlalchemy import select

    return select(Exception_.cause_key, Exception_.id)


@pytest.fixture
def post(program, entities):
    """`post(body, key="1")`: a program of A asks for an act, or for what `at` names."""
    client = program(entities[0], READ, WORK)

    def send(body, key="1", at=ACTS):
        return client.api.post(at, json=body, headers={"Idempotency-Key": key} if key else {})

    send.client = client
    return send


def outcomes(answer):
    return [row["outcome"] for row in answer.json["results"]]


def test_each_has_an_outcome_of_its_own_in_the_order_asked(post, ids):
    post({"verb": "resolve", "ids": [ids["b"]], "reason": "found"}, key="0")
    asked = [ids["x"], ids["a"], ids["b"], ids["a"], ids["c"]]
    answer = post({"verb": "resolve", "ids": asked, "reason": "counted again"})
    assert answer.status_code == 200
    assert [row["id"] for row in answer.json["results"]] == [ids["x"], ids["a"], ids["b"], ids["c"]]
    assert outcomes(answer) == ["refused", "done", "refused", "done"]
    assert answer.json["results"][0]["detail"] == "there is no such exception here"
    assert post.client.get(f"{LIST}/{ids['a']}").json["reason"] == "counted again"
    assert post.client.get(f"{LIST}/{ids['d']}").json["status"] == "open"


def test_a_key_acts_once_and_an_act_is_taken_back_once(post, ids):
    body = {"verb": "comment", "ids": [ids["a"]], "note": "looking"}
    first, again = post(body), post(body)
    assert (again.status_code, again.data) == (200, first.data)
    verbs = [event["verb"] for event in post.client.get(f"{LIST}/{ids['a']}").json["activity"]]
    assert verbs.count("commented") == 1
    assert post(body | {"note": "still"}).status_code == 422
    assert post(body, key=None).status_code == 400
    address = f"{ACTS}/{first.json['id']}"
    assert outcomes(post.client.get(address)) == ["done"]
    assert outcomes(post(None, key="2", at=f"{address}/undo")) == ["undone"]
    late = post(None, key="3", at=f"{address}/undo")
    assert (late.status_code, late.json["type"]) == (409, "/problems/exception-act-not-undoable")
    assert post.client.get(address).json["undone_at"]


def test_others_see_it_where_they_work_and_do_not_undo_it(post, ids, program, person, entities):
    made = post({"verb": "snooze", "ids": [ids["a"]], "until": "count", "times": 3})
    address = f"{ACTS}/{made.json['id']}"
    other = program(entities[0], READ, WORK)
    assert outcomes(other.get(address)) == ["done"]
    assert other.api.post(f"{address}/undo", headers={"Idempotency-Key": "9"}).status_code == 409
    assert post.client.get(f"{LIST}/{ids['a']}").json["snooze"] == "count"
    elsewhere = program(entities[0], READ, WORK, person=person(RoleAt("store_manager", entities[0].id, 8)))
    assert elsewhere.get(address).status_code == 404
    assert program(entities[1], READ, WORK).get(address).status_code == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"verb": "burn"}, "verb"),
        ({"verb": "assign"}, "owner"),
        ({"verb": "assign", "owner": "me"}, "owner"),
        ({"verb": "resolve"}, "reason"),
        ({"verb": "comment", "note": ""}, "note"),
        ({"verb": "snooze"}, "until"),
        ({"verb": "snooze", "until": "date"}, "at"),
        ({"verb": "snooze", "until": "count", "times": 0}, "times"),
        ({"verb": "wake", "ids": []}, "ids"),
    ],
)
def test_a_bad_act_names_its_field_and_does_nothing(post, ids, body, field):
    answer = post({"ids": [ids["a"]]} | body)
    assert answer.status_code == 422
    assert answer.json["errors"][0]["field"] == field
    assert [event["verb"] for event in post.client.get(f"{LIST}/{ids['a']}").json["activity"]] == ["raised"]


def test_one_act_is_upon_one_entity_and_upon_what_is_in_reach(post, ids, program, person, entities):
    both = program(None, READ, WORK)
    body = {"verb": "wake", "ids": [ids["a"], ids["x"]]}
    answer = both.api.post(ACTS, json=body, headers={"Idempotency-Key": "1"})
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, "ids")
    assert post({"verb": "wake", "ids": [ids["x"]]}).status_code == 404
    elsewhere = program(entities[0], READ, WORK, person=person(RoleAt("store_manager", entities[0].id, 8)))
    answer = elsewhere.api.post(ACTS, json=body | {"ids": [ids["a"]]}, headers={"Idempotency-Key": "1"})
    assert answer.status_code == 404


def test_one_is_snoozed_and_woken(post, ids):
    address = f"{LIST}/{ids['a']}"
    said = post.client.post(f"{address}/snooze", {"until": "date", "at": "2001-01-01T00:00:00Z"})
    assert (said.status_code, said.json["errors"][0]["field"]) == (422, "at")
    assert post.client.post(f"{address}/snooze", {"until": "worse"}).json["snooze"] == "worse"
    assert post.client.post(f"{address}/wake", None).json["snooze"] is None
    post.client.post(f"{address}/resolve", {"reason": "x"})
    assert post.client.post(f"{address}/snooze", {"until": "worse"}).status_code == 409
