"""What people do: assign, comment, resolve. Every act is told in order and kept in the audit trail."""

from uuid import UUID

import pytest
from onhand.access.services import RoleAt
from onhand.db import cursor
from onhand_exceptions.services import (
    Assignment,
    Comment,
    Done,
    Refused,
    Resolution,
    assign,
    comment,
    record,
    resolve,
)

KEYS = ("a", "b")
NOBODY = UUID(int=9)


@pytest.fixture
def opened(transact, world, cause):
    """Two open exceptions at location 7 of the first entity, by key."""
    world["leak"] = {key: cause(key) for key in KEYS}
    transact(lambda session, now: record(session, [cause(key) for key in KEYS], "leak", now=now))
    return dict(ask(transact, "SELECT cause_key, id FROM exceptions.exception"))


def ask(transact, sql, *values):
    return transact(lambda session, now: cursor(session).execute(sql, values).fetchall())


def act(transact, verb, things, by):
    return transact(lambda session, now: verb(session, things, by=by, now=now))


def told(transact, exception_id):
    sql = "SELECT verb, actor, person_id, note FROM exceptions.activity WHERE exception_id = %s ORDER BY id"
    return ask(transact, sql, exception_id)[1:]


def test_giving_it_to_someone_is_told_once(transact, opened, someone):
    wish = Assignment(opened["a"], someone.id)
    assert act(transact, assign, [wish, wish], someone) == [Done(opened["a"])] * 2
    assert act(transact, assign, [wish], someone) == [Done(opened["a"])]
    assert told(transact, opened["a"]) == [("assigned", someone.ref, someone.id, None)]
    assert act(transact, assign, [Assignment(opened["a"], None)], someone) == [Done(opened["a"])]
    assert told(transact, opened["a"])[-1] == ("unassigned", someone.ref, None, None)
    trail = ask(transact, "SELECT action, before, after FROM onhand.audit WHERE subject = %s ORDER BY id",
                f"exception:{opened['a']}")  # fmt: skip
    assert trail == [
        ("exceptions.assign", {"owner_user_id": None}, {"owner_user_id": someone.id}),
        ("exceptions.assign", {"owner_user_id": someone.id}, {"owner_user_id": None}),
    ]


def test_who_may_not_work_there_cannot_own_it(transact, opened, someone, person, entities):
    here = person(RoleAt("clerk", entities[0].id, 7), name="Here")
    next_door = person(RoleAt("clerk", entities[0].id, 8), name="Nextdoor")
    abroad = person(RoleAt("clerk", entities[1].id), name="Abroad")
    reader = person(RoleAt("auditor"), name="Reader")
    wishes = [Assignment(opened["a"], who.id) for who in (here, next_door, abroad, reader)]
    answers = act(transact, assign, wishes, someone)
    assert answers[0] == Done(opened["a"])
    assert [answer.why for answer in answers[1:]] == ["cannot_own"] * 3


def test_each_of_a_list_stands_alone(transact, opened, someone):
    answers = act(
        transact,
        resolve,
        [Resolution(opened["a"], " found "), Resolution(NOBODY, "x"), Resolution(opened["b"], "  ")],
        someone,
    )
    assert answers[0] == Done(opened["a"])
    assert [answer.why for answer in answers[1:]] == ["unknown", "reason_missing"]
    statuses = dict(ask(transact, "SELECT cause_key, status FROM exceptions.exception"))
    assert statuses == {"a": "resolved", "b": "open"}
    assert told(transact, opened["a"]) == [("resolved", someone.ref, None, "found")]


def test_the_second_to_resolve_is_told_so(transact, opened, someone):
    act(transact, resolve, [Resolution(opened["a"], "found")], someone)
    for verb, thing in ((resolve, Resolution(opened["a"], "me too")), (assign, Assignment(opened["a"], None))):
        (answer,) = act(transact, verb, [thing], someone)
        assert isinstance(answer, Refused)
        assert answer.why == "already_resolved"


def test_comments_are_taken_even_after_the_end(transact, opened, someone):
    act(transact, resolve, [Resolution(opened["a"], "found")], someone)
    answers = act(
        transact, comment, [Comment(opened["a"], "it was behind the shelf"), Comment(opened["b"], " ")], someone
    )
    assert [type(answer) for answer in answers] == [Done, Refused]
    assert told(transact, opened["a"])[-1] == ("commented", someone.ref, None, "it was behind the shelf")


def test_what_happened_cannot_be_rewritten(transact, opened):
    from psycopg.errors import InsufficientPrivilege

    for sql in ("UPDATE exceptions.activity SET note = 'x'", "DELETE FROM exceptions.occurrence"):
        with pytest.raises(InsufficientPrivilege):
            transact(lambda session, now, sql=sql: cursor(session).execute(sql))
