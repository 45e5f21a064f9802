"""The doors: what programs and people see, do, and are refused."""

import re

import pytest
from onhand.access.services import RoleAt
from onhand.testing.people import csrf_token, sign_in


@pytest.fixture
def program(house, token, api):
    """A program that acts for a person, carrying what is named, or all that approving takes."""

    def act_for(who, *permissions):
        carried = permissions or ("approvals.read", "approvals.approve", "approvals.edit", "bin.approve")
        return api(token(house.entity, *carried, person=who))

    return act_for


@pytest.fixture
def browser(app, house):
    def browse(who, entity=None):
        client = app.test_client()
        sign_in(client, who, entity or house.entity)
        return client

    return browse


def page(client, path, **query):
    answer = client.get(path, query_string=query or None)
    assert answer.status_code == 200, answer.text
    return re.sub(r"\s+", " ", answer.text)


def post(client, path, **form):
    answer = client.post(path, data={"csrf_token": csrf_token(client, "/"), **form})
    assert answer.status_code in {200, 303}, answer.text
    return answer


def test_a_program_reads_decides_and_is_told_the_numbers(house, program):
    asked = house.ask(40, amount_minor=-50_00, currency="EUR", atp_before=7, atp_after=0, location="S1", location_id=1)
    clerk, manager = program(house.clerk, "approvals.read"), program(house.manager)
    [mine] = clerk.get("/api/v1/approvals?view=mine").json["items"]
    assert (mine["quantity"], mine["amount_minor"], mine["atp_after"], mine["may_decide"]) == (40, -5000, 0, False)
    assert "yourself" in mine["why_not"]
    [waiting] = manager.get("/api/v1/approvals?view=waiting").json["items"]
    assert (waiting["id"], waiting["may_decide"]) == (str(asked.id), True)
    answer = manager.post(f"/api/v1/approvals/{asked.id}/decide", json={"version": 1, "verdict": "approve"})
    assert (answer.status_code, answer.json["waiting_role"]) == (200, "governance")
    assert [event["verb"] for event in answer.json["activity"]] == ["asked", "approved"]
    assert manager.get("/api/v1/approvals?view=waiting").json["items"] == []
    refused = manager.post(f"/api/v1/approvals/{asked.id}/decide", json={"version": 1, "verdict": "approve"})
    assert (refused.status_code, refused.json["type"], refused.json["why"]) == (
        409, "/problems/approval-not-yours", "counted_already",
    )  # fmt: skip


def test_what_became_outdated_is_refused_with_the_new_numbers_and_kept(house, program, transact):
    from onhand_bin import services

    asked = house.ask(20)
    transact(lambda session, now: services.put(session, house.bin, 95))
    manager = program(house.manager)
    address = f"/api/v1/approvals/{asked.id}/decide"
    refused = manager.post(address, json={"version": 1, "verdict": "approve"})
    assert (refused.status_code, refused.json["version"], refused.json["quantity"]) == (409, 2, 25)
    assert refused.json["changes"] == [{"label": "Quantity", "before": 95, "after": 120, "unit": "each"}]
    assert manager.post(address, json={"version": 1, "verdict": "approve"}).json["why"] == "changed"
    assert manager.post(address, json={"version": 2, "verdict": "approve"}).json["status"] == "approved"


def test_a_token_must_carry_the_kinds_permission_itself(house, program):
    asked = house.ask(20)
    weak = program(house.manager, "approvals.read", "approvals.approve")
    refused = weak.post(f"/api/v1/approvals/{asked.id}/decide", json={"version": 1, "verdict": "approve"})
    assert refused.status_code == 409
    assert "does not carry bin.approve" in refused.json["detail"]
    body = {"decisions": [{"id": str(asked.id), "version": 1, "verdict": "approve"}]}
    [result] = weak.post("/api/v1/approvals/decide", json=body).json["results"]
    assert (result["outcome"], result["why"]) == ("refused", "no_authority")
    assert house.changes == []


@pytest.mark.parametrize(("body", "status"), [
    ({"verdict": "approve"}, 422), ({"version": 1, "verdict": "maybe"}, 422), ({"version": "1", "verdict": "approve"}, 422),
    ({"version": 1, "verdict": "reject"}, 422), ({"version": 1, "verdict": "reject", "reason": "a\x00b"}, 422),
    ({"version": 2**40, "verdict": "approve"}, 422), ({"version": 9, "verdict": "approve"}, 409),
])  # fmt: skip
def test_a_bad_decision_is_refused_and_changes_nothing(house, program, body, status):
    asked = house.ask(20)
    answer = program(house.manager).post(f"/api/v1/approvals/{asked.id}/decide", json=body)
    assert answer.status_code == status, answer.text
    assert house.activity(asked) == ["asked"]


def test_many_of_one_kind_are_decided_each_for_itself(house, program):
    asked = [house.ask(20, subject=str(n)) for n in range(3)]
    big = house.ask(20, subject="big", amount_minor=1_000_01, currency="EUR")
    own = house.ask(20, subject="own", by=house.manager)
    manager = program(house.manager)

    def decide(*ids, verdict="approve"):
        body = {"decisions": [{"id": str(id_), "version": 1, "verdict": verdict, "reason": "no"} for id_ in ids]}
        answer = manager.post("/api/v1/approvals/decide", json=body)
        assert answer.status_code == 200, answer.text
        return [each.get("status") or each["why"] for each in answer.json["results"]]

    nowhere = "00000000-0000-7000-8000-000000000000"
    assert decide(asked[0].id, big.id, own.id, nowhere, asked[1].id) == [
        "approved", "bulk_limit", "own_request", "unknown", "approved",
    ]  # fmt: skip
    other = house.ask(20, subject="other", kind="bin.empty")
    assert decide(asked[2].id, other.id) == ["invalid", "invalid"]
    assert decide(asked[2].id, asked[0].id, big.id, verdict="reject") == ["rejected", "settled", "rejected"]
    assert house.changes == [(house.bin, 20), (house.bin, 20)]


def test_lists_are_paged_filtered_and_kept_apart(house, program, entities, person, api, token):
    asked = [house.ask(20, subject=str(n), location="S1", location_id=1) for n in range(5)]
    house.ask(20, subject="else", kind="bin.empty")
    reader = program(house.manager, "approvals.read")
    first = reader.get("/api/v1/approvals?limit=4").json
    second = reader.get("/api/v1/approvals", query_string={"limit": 4, "cursor": first["next"]}).json
    assert [each["id"] for each in (first["items"] + second["items"])][:5] == [str(each.id) for each in asked]
    assert len(first["items"] + second["items"]) == 6
    assert len(reader.get("/api/v1/approvals?kind=bin.empty").json["items"]) == 1
    assert len(reader.get("/api/v1/approvals?location=S1").json["items"]) == 5
    assert reader.get("/api/v1/approvals?cursor=nonsense").status_code == 400
    elsewhere = api(token(entities[1], "approvals.read", "approvals.approve", person=person("governance")))
    assert elsewhere.get("/api/v1/approvals").json["items"] == []
    assert elsewhere.get(f"/api/v1/approvals/{asked[0].id}").status_code == 404
    decision = {"version": 1, "verdict": "approve"}
    assert elsewhere.post(f"/api/v1/approvals/{asked[0].id}/decide", json=decision).status_code == 404
    at_one = program(person(RoleAt("store_manager", house.entity.id, 2)), "approvals.read")
    assert at_one.get("/api/v1/approvals").json["items"] == []


def test_withdrawing_is_for_who_asked(house, program):
    asked = house.ask(20)
    address = f"/api/v1/approvals/{asked.id}/withdraw"
    assert program(house.manager).post(address, json={}).status_code == 409
    clerk = program(house.clerk, "approvals.read")
    assert clerk.post(address, json={"note": "counted again"}).json["status"] == "withdrawn"
    assert clerk.post(address, json={}).status_code == 409


def test_rules_and_delegations_over_rest(house, program, api, token):
    boss = program(house.governor)
    rule = {"kind": "bin.set", "role": "governance", "quantity_from": 1}
    body = {"key": "stricter", "entity": "A", "add": [rule]}
    assert boss.post("/api/v1/approval-rules", json=body).json["status"] == "approved"
    [known] = boss.get("/api/v1/approval-rules").json["items"]
    assert (known["kind"], known["role"], known["quantity_from"], known["entity"]) == ("bin.set", "governance", 1, "A")
    assert [step.role for step in house.ask(1).steps] == ["governance"]
    for field, wrong in {"role": "nobody", "kind": "bin.paint", "tier": 10, "quantity_from": -1}.items():
        refused = boss.post("/api/v1/approval-rules", json={**body, "key": field, "add": [{**rule, field: wrong}]})
        assert (refused.status_code, refused.json["errors"][0]["field"]) == (422, field)
    assert boss.post("/api/v1/approval-rules", json={**body, "entity": None, "key": "all"}).status_code == 422
    assert boss.post("/api/v1/approval-rules", json={**body, "entity": "B", "key": "b"}).status_code == 404
    gone = {"key": "gone", "entity": "A", "retire": [known["id"]]}
    assert boss.post("/api/v1/approval-rules", json=gone).json["status"] == "approved"
    assert boss.get("/api/v1/approval-rules").json["items"] == []

    wish = {"delegate_id": house.clerk.id, "ends_at": "2000-01-01T00:00:00Z"}
    refused = boss.post("/api/v1/delegations", json=wish)
    assert (refused.status_code, refused.json["errors"][0]["field"]) == (422, "ends_at")
    assert api(token(house.entity, "approvals.approve")).post("/api/v1/delegations", json=wish).status_code == 422


def test_inbox_tabs_and_menu_say_what_waits_for_whom(house, browser):
    manager, clerk = browser(house.manager), browser(house.clerk)
    assert "Nothing waits for you" in page(manager, "/approvals/")
    assert "You asked for nothing" in page(manager, "/approvals/", tab="mine")
    asked = house.ask(40, amount_minor=-50_00, currency="EUR", atp_before=7, atp_after=0, location="S1", location_id=1)
    text = page(manager, "/approvals/")
    assert re.search(r'<span class="oh-count">1<span class="visually-hidden"> waiting</span></span></a>', text)
    assert f'value="{asked.id}:1"' in text
    assert "50.00" in text
    assert "ATP 7 → 0" in text
    text = page(clerk, "/approvals/", tab="mine")
    assert f"+40 in bin {house.bin}" in text
    assert f'value="{asked.id}:1"' not in text
    assert "waiting</span>" not in text
    assert "Waits for" in page(clerk, "/approvals/", tab="pending")
    post(manager, f"/approvals/{asked.id}", version="1", verdict="approve")
    assert "Nothing waits for you" in page(manager, "/approvals/")
    assert f"+40 in bin {house.bin}" in page(browser(house.governor), "/approvals/")


def test_the_page_of_one_says_what_one_may_do(house, browser, transact):
    from onhand_bin import services

    asked = house.ask(20, note="<b>wet</b> floor")
    manager, clerk = browser(house.manager), browser(house.clerk)
    text = page(clerk, f"/approvals/{asked.id}")
    assert "You asked for it yourself: another person must decide." in text
    assert "&lt;b&gt;wet&lt;/b&gt; floor" in text
    assert 'value="approve"' not in text
    assert "Withdraw" in text
    transact(lambda session, now: services.put(session, house.bin, 95))
    answer = post(manager, f"/approvals/{asked.id}", version="1", verdict="approve")
    text = page(manager, answer.headers["Location"])
    assert "The numbers had moved when <strong>Mona</strong>" in text
    assert 'name="version" value="2"' in text
    answer = post(manager, f"/approvals/{asked.id}", version="2", verdict="approve", reason="seen it")
    text = page(manager, answer.headers["Location"])
    assert "Approved." in text
    assert f'href="/bins/{house.bin}"' in text


def test_deciding_many_on_the_page_tells_of_each(house, browser):
    good, own = house.ask(20, subject="1"), house.ask(20, subject="2", by=house.manager)
    manager = browser(house.manager)
    answer = post(manager, "/approvals/decide", verdict="approve", chosen=[f"{good.id}:1", f"{own.id}:1", "nonsense"])
    assert "Approved: 1 of 2" in answer.text
    assert "you asked for it yourself" in answer.text
    assert post(manager, "/approvals/decide", verdict="approve").status_code == 303
    assert "Choose at least one" in page(manager, "/approvals/")


def test_who_stands_in_decides_on_the_page_without_a_permission_of_their_own(house, browser):
    day = house.today("Europe/Vienna")
    post(browser(house.manager), "/approvals/delegation", delegate=str(house.clerk.id), ends_on=day)
    asked = house.ask(20, by=house.manager2)
    clerk = browser(house.clerk)
    assert f'value="{asked.id}:1"' in page(clerk, "/approvals/")
    post(clerk, f"/approvals/{asked.id}", version="1", verdict="approve")
    assert "standing in for Mona" in page(clerk, f"/approvals/{asked.id}")
    assert house.changes == [(house.bin, 20)]


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Etc/GMT+12"])  # at any hour, one of them is not at UTC's day
def test_a_delegation_may_end_on_the_day_it_is_where_the_entity_is(house, browser, superuser, zone):
    superuser("UPDATE onhand.entity SET time_zone = %s WHERE id = %s RETURNING 1", zone, house.entity.id)
    manager, day = browser(house.manager), house.today(zone)
    assert f'min="{day}"' in page(manager, "/approvals/delegation")
    post(manager, "/approvals/delegation", delegate=str(house.clerk.id), ends_on=day)
    assert house.decide(house.ask(20, by=house.manager2), house.clerk).status == "approved"


def test_delegating_and_ruling_on_their_pages(house, browser):
    manager, governor, clerk = browser(house.manager), browser(house.governor), browser(house.clerk)
    assert "Nobody stands in for you" in page(manager, "/approvals/delegation")
    refused = manager.post(
        "/approvals/delegation",
        data={"csrf_token": csrf_token(manager, "/"), "delegate": str(house.clerk.id), "ends_on": "1999-01-01"},
    )
    assert refused.status_code == 422
    assert "The end lies before the beginning." in refused.text
    day = house.today("Europe/Vienna")
    post(manager, "/approvals/delegation", delegate=str(house.clerk.id), ends_on=day, kind="bin.set", note="holiday")
    assert "Change of a bin" in page(manager, "/approvals/delegation")
    assert house.decide(house.ask(20, by=house.manager2), house.clerk).status == "approved"
    number = re.search(r"/approvals/delegation/(\d+)/revoke", page(manager, "/approvals/delegation"))[1]
    post(manager, f"/approvals/delegation/{number}/revoke")
    assert "Nobody stands in for you" in page(manager, "/approvals/delegation")

    shown = page(clerk, "/approvals/rules")
    assert "Without a rule" in shown
    assert "Change of a policy: nobody; whoever may do it does it alone" in shown
    assert "Add a rule" not in page(clerk, "/approvals/rules")
    post(governor, "/approvals/rules", kind="bin.set", place="entity", role="auditor", quantity_from="1", tier="1")
    text = page(governor, "/approvals/rules")
    assert "from 1 unit<" in text
    assert [step.role for step in house.ask(1, subject="new").steps] == ["auditor"]
    assert governor.post(
        "/approvals/rules", data={"csrf_token": csrf_token(governor, "/"), "kind": "bin.set", "place": "group", "role": "auditor"}
    ).status_code == 422  # fmt: skip
    form = {"csrf_token": csrf_token(governor, "/"), "kind": "bin.set", "place": "entity", "role": "auditor"}
    for bad in ("-1", "1.005", "NaN", "lots", "1e99"):
        refused = governor.post("/approvals/rules", data={**form, "amount_from_minor": bad})
        assert refused.status_code == 422
        assert "An amount like 500 or 499.50, in EUR" in refused.text
    post(
        governor,
        "/approvals/rules",
        **form | {"csrf_token": csrf_token(governor, "/")},
        amount_from_minor="499.50",
        tier="2",
    )
    assert "499.50" in page(governor, "/approvals/rules")
    number = re.search(r"/approvals/rules\?retire=(\d+)", text)[1]
    assert "Retire the rule" in page(governor, f"/approvals/rules?retire={number}&place=entity")
    post(governor, f"/approvals/rules/{number}/retire", place="entity")
    assert house.ask(1, subject="newer").status == "approved"
    assert house.ask(1, subject="dear", amount_minor=499_50, currency="EUR").status == "pending"
    assert (
        clerk.post(f"/approvals/rules/{number}/retire", data={"csrf_token": csrf_token(clerk, "/")}).status_code == 403
    )


def test_who_looked_at_the_evidence_is_in_the_trail(house, browser, superuser):
    asked = house.ask(40)
    page(browser(house.manager), f"/approvals/{asked.id}")
    looks = superuser("SELECT user_id, subject FROM onhand.audit WHERE action = 'approvals.view'")
    assert looks == [(house.manager.id, f"/approvals/{asked.id}")]


def test_who_asked_asks_for_something_else_on_the_page_and_consents_are_void(house, browser):
    asked = house.ask(40)
    assert house.decide(asked, house.manager).waiting_role == "governance"
    clerk, address = browser(house.clerk), f"/approvals/{asked.id}"
    assert "Ask for something else" in page(clerk, address)
    assert "Ask for something else" not in page(browser(house.manager), address)
    post(clerk, f"{address}/revise", version="1", note="The blue ones", quantity="many")
    assert house.activity(asked) == ["asked", "approved"]
    post(clerk, f"{address}/revise", version="1", note="The blue ones", quantity="39")
    assert house.activity(asked) == ["asked", "approved"], "this kind knows no other quantity"
    post(clerk, f"{address}/revise", version="1", note="The blue ones", quantity="40")
    text = page(clerk, address)
    assert "The blue ones" in text
    assert "consents so far are void" in text
    assert house.activity(asked) == ["asked", "approved", "revised"]
    post(browser(house.manager), f"{address}/revise", version="2", note="Mine now")
    assert house.activity(asked) == ["asked", "approved", "revised"]
    assert house.decide(asked, house.manager, version=2).waiting_role == "governance"
