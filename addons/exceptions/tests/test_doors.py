"""The inbox as programs and people see it: filters, cursors, reach, and refusals that say why."""

from datetime import timedelta
from uuid import UUID

import pytest
from onhand.access.services import RoleAt
from onhand.db import cursor
from onhand_exceptions import services

READ, WORK = "exceptions.read", "exceptions.work"
LIST = "/api/v1/exceptions"


@pytest.fixture
def inbox(transact, world, cause, entities):
    """Three leaks and a noise in the first entity, one leak in the second, all open."""
    from dataclasses import replace

    leaks = [replace(cause(f"leak:{n}", minute=n, quantity=n), location_id=n) for n in (1, 2, 3)]
    leaks = [replace(one, evidence=one.evidence | {"location": f"S{one.location_id}"}) for one in leaks]
    noise = replace(cause("noise:1", minute=0), location_id=None, evidence={"href": "/stock/1", "document": "D-1"})
    abroad = cause("leak:1", entity=entities[1].id)
    for kind, causes in (("leak", leaks), ("noise", [noise]), ("leak", [abroad])):
        for one in causes:
            world[kind][f"{one.entity_id}/{one.key}"] = one
        transact(lambda session, now, c=causes, k=kind: services.record(session, c, k, now=now))
    sql = "SELECT entity_id, cause_key, id FROM exceptions.exception"
    rows = transact(lambda session, now: cursor(session).execute(sql).fetchall())
    return {(entity_id, key): str(id_) for entity_id, key, id_ in rows}


def keys(answer):
    assert answer.status_code == 200, answer.text
    return [item["cause"] for item in answer.json["items"]]


def test_the_list_has_the_severest_and_oldest_first(inbox, program, entities):
    answer = program(entities[0], READ).get(LIST)
    assert keys(answer) == ["leak:1", "leak:2", "leak:3", "noise:1"]
    first = answer.json["items"][0]
    assert (first["entity"], first["location"], first["quantity"], first["kinds"]) == (
        entities[0].code, "S1", 1, ["leak"],
    )  # fmt: skip
    assert first["age_seconds"] > 0
    assert answer.json["next"] is None


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"kind": "noise"}, ["noise:1"]),
        ({"location": "S2"}, ["leak:2"]),
        ({"sku": "A-1", "status": "open"}, ["leak:1", "leak:2", "leak:3"]),
        ({"status": "resolved"}, []),
        ({"owner": "none"}, ["leak:1", "leak:2", "leak:3", "noise:1"]),
        ({"owner": "me"}, []),
        ({"older_than_hours": 1}, ["leak:1", "leak:2", "leak:3", "noise:1"]),
        ({"entity": "NOWHERE"}, []),
        ({"q": "kind:noise"}, ["noise:1"]),
        ({"q": "kind:leak location:S1,S3 quantity:>1"}, ["leak:3"]),
        ({"q": "state:new owner:none age:>1h"}, ["leak:1", "leak:2", "leak:3", "noise:1"]),
        ({"q": "value:>500"}, []),
        ({"q": "2 miss"}, ["leak:2"]),
        ({"q": "item:A-*", "kind": "noise"}, []),
        ({"tab": "review"}, ["leak:1", "leak:2", "leak:3", "noise:1"]),
        ({"tab": "snoozed"}, []),
        ({"tab": "mine"}, []),
    ],
)
def test_filters_narrow_the_list(inbox, program, entities, query, expected):
    assert keys(program(entities[0], READ).get(LIST, **query)) == expected


def test_age_is_counted_from_when_it_was_first_seen(inbox, program, entities, transact):
    sql = "UPDATE exceptions.exception SET first_seen_at = %s, last_seen_at = %s WHERE cause_key <> 'leak:2'"
    recent = lambda session, now: cursor(session).execute(sql, [now - timedelta(minutes=5)] * 2)  # noqa: E731
    transact(recent)
    assert keys(program(entities[0], READ).get(LIST, older_than_hours=1)) == ["leak:2"]


def test_a_token_of_the_group_sees_every_entity_and_can_choose(inbox, program, entities):
    everywhere = program(None, READ)
    assert len(keys(everywhere.get(LIST))) == 5
    assert keys(everywhere.get(LIST, entity=entities[1].code)) == ["leak:1"]


def test_pages_follow_the_cursor(inbox, program, entities):
    client = program(entities[0], READ)
    seen, cursor_ = [], None
    for _ in range(4):
        answer = client.get(LIST, limit=1, **({"cursor": cursor_} if cursor_ else {}))
        seen += keys(answer)
        cursor_ = answer.json["next"]
    assert seen == ["leak:1", "leak:2", "leak:3", "noise:1"]
    assert cursor_ is None
    assert client.get(LIST, cursor="forged").status_code == 400


def test_several_kinds_are_merged_in_order_and_each_exception_is_there_once(
    inbox, program, entities, transact, cause, world
):
    both = cause("leak:2", minute=9, quantity=2, location="S2")
    world["noise"][f"{both.entity_id}/{both.key}"] = both
    transact(lambda session, now: services.record(session, [both], "noise", now=now))
    client = program(None, READ)
    seen, cursor_ = [], None
    for _ in range(3):
        answer = client.get(LIST, limit=2, q="kind:leak,noise", **({"cursor": cursor_} if cursor_ else {}))
        seen += keys(answer)
        cursor_ = answer.json["next"]
    assert (seen, cursor_) == (keys(client.get(LIST)), None)
    assert seen.count("leak:2") == 1
    assert keys(client.get(LIST, q="kind:noise,leak location:S3,S2")) == ["leak:2", "leak:3"]


def test_resolved_ones_are_paged_latest_first(inbox, program, entities, transact, world):
    for key in ("leak:3", "leak:1", "leak:2"):
        del world["leak"][f"{entities[0].id}/{key}"]
        transact(lambda session, now: services.recheck(session, entities[0].id, None, now=now))
    client = program(entities[0], READ)
    first = client.get(LIST, status="resolved", limit=2)
    assert keys(first) == ["leak:2", "leak:1"]
    assert keys(client.get(LIST, status="resolved", limit=2, cursor=first.json["next"])) == ["leak:3"]


@pytest.mark.parametrize(
    "query",
    [
        {"status": "lost"},
        {"older_than_hours": -1},
        {"owner": "0"},
        {"kind": "a\x00"},
        {"limit": 10_000},
        {"tab": "lost"},
        {"q": "kinds:leak"},
        {"q": "kind:leek"},
        {"q": "age:old"},
    ],
)
def test_a_bad_filter_is_refused_by_name(inbox, program, entities, query):
    answer = program(entities[0], READ).get(LIST, **query)
    assert answer.status_code == 422
    assert answer.json["errors"][0]["field"] == next(iter(query))


def test_what_belongs_to_another_entity_is_not_there(inbox, program, entities):
    client = program(entities[0], READ, WORK)
    theirs = inbox[entities[1].id, "leak:1"]
    assert client.get(f"{LIST}/{theirs}").status_code == 404
    assert client.post(f"{LIST}/{theirs}/resolve", {"reason": "x"}).status_code == 404
    assert client.get(f"{LIST}/{inbox[entities[0].id, 'leak:1']}").status_code == 200


def test_reading_does_not_allow_working(inbox, program, entities):
    answer = program(entities[0], READ).post(f"{LIST}/{inbox[entities[0].id, 'leak:1']}/resolve", {"reason": "x"})
    assert answer.status_code == 403


def test_an_exception_shows_evidence_and_activity(inbox, program, entities):
    answer = program(entities[0], READ).get(f"{LIST}/{inbox[entities[0].id, 'leak:2']}")
    assert [(proof["kind"], proof["holds"], proof["count"]) for proof in answer.json["evidence"]] == [("leak", True, 1)]
    assert answer.json["evidence"][0]["latest"]["location"] == "S2"
    assert [event["verb"] for event in answer.json["activity"]] == ["raised"]


def test_assign_comment_and_resolve_over_rest(inbox, program, person, entities):
    ada = person(RoleAt("governance"), name="Ada")
    client = program(entities[0], READ, WORK, person=ada)
    address = f"{LIST}/{inbox[entities[0].id, 'leak:1']}"
    assert client.post(f"{address}/assign", {"owner": "me"}).json["owner"] == {"id": ada.id, "name": "Ada"}
    assert keys(client.get(LIST, owner="me")) == ["leak:1"]
    assert client.post(f"{address}/comment", {"note": "looking"}).status_code == 200
    answer = client.post(f"{address}/resolve", {"reason": "found"})
    assert (answer.json["status"], answer.json["reason"]) == ("resolved", "found")
    again = client.post(f"{address}/resolve", {"reason": "found"})
    assert (again.status_code, again.json["type"]) == (409, "/problems/exception-already-resolved")
    assert [event["verb"] for event in answer.json["activity"]] == ["raised", "assigned", "commented", "resolved"]


@pytest.mark.parametrize(
    ("act", "body", "field"),
    [
        ("assign", {}, "owner"),
        ("assign", {"owner": "you"}, "owner"),
        ("assign", {"owner": 999_999}, "owner"),
        ("assign", {"owner": "me"}, "owner"),
        ("resolve", {"reason": "   "}, "reason"),
        ("resolve", {"reason": "x\x00"}, "reason"),
        ("comment", {"note": "x" * 2_001}, "note"),
    ],
)
def test_a_bad_act_is_refused_by_name(inbox, program, entities, act, body, field):
    client = program(entities[0], READ, WORK)
    answer = client.post(f"{LIST}/{inbox[entities[0].id, 'leak:1']}/{act}", body)
    assert answer.status_code == 422
    assert answer.json["errors"][0]["field"] == field


def test_people_of_one_location_see_only_it(inbox, browser_of, person, entities):
    browser = browser_of(person(RoleAt("store_manager", entities[0].id, 2), name="Grace"))
    page = browser.get("/exceptions/").text
    assert inbox[entities[0].id, "leak:2"] in page
    assert inbox[entities[0].id, "leak:1"] not in page
    assert inbox[entities[0].id, "noise:1"] not in page
    assert browser.get(f"/exceptions/{inbox[entities[0].id, 'leak:2']}").status_code == 200
    elsewhere = f"/exceptions/{inbox[entities[0].id, 'leak:1']}"
    assert browser.get(elsewhere).status_code == 404
    here = f"/exceptions/{inbox[entities[0].id, 'leak:2']}"
    form = {"verb": "resolve", "id": inbox[entities[0].id, "leak:1"], "text": "x"}
    assert browser.post("/exceptions/acts", at=here, **form).status_code == 404


def test_a_person_works_an_exception_to_its_end(inbox, browser_of, person, entities):
    ada = person(RoleAt("governance"), name="Ada")
    browser = browser_of(ada)
    address = f"/exceptions/{inbox[entities[0].id, 'leak:1']}"
    id_ = inbox[entities[0].id, "leak:1"]

    def act(verb, **form):
        return browser.post("/exceptions/acts", **{"at": address, "verb": verb, "id": id_} | form)

    assert "Leak" in browser.get("/exceptions/", q="kind:leak").text
    assert act("assign", owner=str(ada.id)).status_code == 303
    assert id_ in browser.get("/exceptions/", tab="mine").text
    assert id_ not in browser.get("/exceptions/").text, "whoever acted on it has reviewed it"
    assert act("comment", text=f"<b>looking</b> with @{ada.username}, mail a@example.org").status_code == 303
    answer = act("resolve", text="  ")
    assert "say why" in browser.get(answer.location).text
    act("resolve", text="found behind the shelf")
    page = browser.get(address).text
    assert "found behind the shelf" in page
    assert "&lt;b&gt;looking&lt;/b&gt;" in page
    assert f'<a href="/exceptions/?tab=open&amp;q=owner:{ada.username}">@{ada.username}</a>' in page
    assert "a@example.org" in page
    assert 'id="acts"' not in page
    assert id_ in browser.get("/exceptions/", tab="resolved").text
    assert id_ not in browser.get("/exceptions/", tab="open").text


def test_an_auditor_looks_and_finds_no_form(inbox, browser_of, person, entities):
    browser = browser_of(person(RoleAt("auditor"), name="Audrey"))
    page = browser.get(f"/exceptions/{inbox[entities[0].id, 'leak:1']}").text
    assert 'id="acts"' not in page
    assert 'name="verb"' not in browser.get("/exceptions/").text


def test_moments_in_evidence_are_written_as_everywhere(transact, world, cause, browser_of, person):
    one = cause("late", as_of="2026-01-05T08:00:00+00:00", since="2026-01-05")
    world["leak"]["late"] = one
    transact(lambda session, now: services.record(session, [one], "leak", now=now))
    sql = "SELECT id FROM exceptions.exception WHERE cause_key = 'late'"
    [(found,)] = transact(lambda session, now: cursor(session).execute(sql).fetchall())
    text = browser_of(person(RoleAt("governance"))).get(f"/exceptions/{found}").text
    assert '<time class="oh-time" datetime="2026-01-05T08:00:00+00:00"' in text
    assert "<dd>2026-01-05</dd>" in text, "a day is no moment"


def test_evidence_links_only_into_the_site(inbox, transact, world, cause, browser_of, person, entities):
    from dataclasses import replace

    bad = replace(cause("bad"), evidence={"href": "javascript:alert(1)", "document": "D-2"})
    worse = replace(cause("worse"), evidence={"href": "//elsewhere.example", "document": "D-3"})
    world["leak"] |= {"bad": bad, "worse": worse}
    transact(lambda session, now: services.record(session, [bad, worse], "leak", now=now))
    browser = browser_of(person(RoleAt("governance"), name="Ada"))
    sql = "SELECT id FROM exceptions.exception WHERE cause_key IN ('bad', 'worse')"
    for (id_,) in transact(lambda session, now: cursor(session).execute(sql).fetchall()):
        page = browser.get(f"/exceptions/{id_}").text
        assert "D-2" in page or "D-3" in page
        assert "javascript:" not in page
        assert "//elsewhere.example" not in page
    assert 'href="/stock/1"' in browser.get(f"/exceptions/{inbox[entities[0].id, 'noise:1']}").text


def test_an_empty_inbox_says_that_nothing_is_wrong(browser_of, person, entities):
    browser = browser_of(person(RoleAt("governance"), name="Ada"))
    assert "Nothing waits for review" in browser.get("/exceptions/").text
    assert "Nothing here" in browser.get("/exceptions/", tab="snoozed").text
    assert "Nothing waits" in browser.get("/").text


def test_home_counts_what_one_may_see(inbox, browser_of, person, entities):
    assert re_tile(browser_of(person(RoleAt("governance"), name="Ada"))) == "4"
    assert re_tile(browser_of(person(RoleAt("store_manager", entities[0].id, 2), name="Grace"))) == "1"


def re_tile(browser):
    import re

    page = browser.get("/").text
    return re.search(r'Open exceptions</span>\s*<span class="oh-tile-value">\s*(\S+?)\s*</span>', page)[1]


def test_next_steps_are_those_that_add_ons_offer_and_the_person_may_take(inbox, browser_of, person, entities):
    boss = browser_of(person(RoleAt("store_manager", entities[0].id, 2), name="Grace"))
    page = boss.get(f"/exceptions/{inbox[entities[0].id, 'leak:2']}").text
    steps = page.partition('id="next"')[2].partition("</section>")[0]
    assert steps.index("Call a plumber") < steps.index("Mop up")
    assert 'action="/mop"' in steps
    assert '<input type="hidden" name="sku" value="A-1">' in steps
    assert "Takes a minute" in steps
    assert "Sell the house" not in page
    assert 'id="next"' not in browser_of(person("auditor")).get(f"/exceptions/{inbox[entities[0].id, 'noise:1']}").text


def test_nothing_is_offered_for_what_is_resolved(inbox, browser_of, person, entities, transact, someone):
    id_ = UUID(inbox[entities[0].id, "leak:2"])
    resolution = services.Resolution(id_, "mopped")
    transact(lambda session, now: services.resolve(session, [resolution], by=someone, now=now))
    assert "Mop up" not in browser_of(person("governance")).get(f"/exceptions/{id_}").text
