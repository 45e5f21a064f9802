"""What there is twice is merged or told apart: codes lead to the one that remains, and nothing of the past changes."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from onhand.approvals.api import Decision, decide
from onhand.contributions import ExceptionSubject
from onhand.testing.people import csrf_token
from onhand_master_data.api import Barcode, Catalogue, ItemChange, Pack, Refused, items_by_sku, save_items
from onhand_master_data.jobs import apply_changes
from onhand_master_data.services import (
    Distinct,
    NewOwner,
    Terms,
    measure,
    merge_items,
    name_owners,
    tell_apart,
)
from onhand_master_data.services.measuring import still_true
from onhand_master_data.testing import TESTER, gtin_of, make_item
from onhand_master_data.validation import duplicates
from onhand_master_data.values import Item, ItemMerge
from onhand_master_data.views import next_steps

Transact = Callable[..., Any]
CASE = (Pack("CS", 12),)


@pytest.fixture
def twins(transact: Transact, entities: Any) -> Any:
    """OLD and NEW: one thing under two SKUs, each with a GTIN."""
    a, _ = entities

    def make(session: Any, now: Any) -> Any:
        old = make_item(session, now, a.id, sku="OLD", name="Green tea", packs=CASE, gtin=gtin_of(1))
        new = make_item(session, now, a.id, sku="NEW", name="Tea, green", packs=CASE, gtin=gtin_of(2))
        rows = [ItemChange("OLD", barcodes=(Barcode(gtin_of(1)), Barcode(gtin_of(3), "CS")))]
        save_items(session, rows, by=TESTER, now=now)
        return old, new

    return transact(make)


def merge(transact: Transact, *pairs: tuple[str, str], by: Any = TESTER, days: int = 0) -> Any:
    def command(session: Any, now: Any) -> Any:
        terms = Terms(now + timedelta(days=days) if days else None)
        return merge_items(session, [ItemMerge(*pair) for pair in pairs], terms=terms, by=by, now=now).requests[0]

    return transact(command)


def leads(transact: Transact) -> dict[str, str]:
    """Return what SKUs and GTINs lead to, by the cache that intake uses."""
    found = transact(
        lambda session, _: Catalogue().resolve(session, skus=["OLD", "NEW"], gtins=[gtin_of(n) for n in (1, 2, 3)])
    )
    return {code: ref.sku for code, ref in (*found.by_sku.items(), *found.by_gtin.items())}


def agree(transact: Transact, request: Any, who: Any) -> Any:
    decision = Decision(request.approval_id, 1, "approve")
    return transact(lambda session, now: decide(session, [decision], by=who.actor, now=now))[0]


def test_after_consent_every_code_of_the_loser_leads_to_the_survivor(
    transact: Transact, twins: Any, person: Any
) -> None:
    clerk, steward = person("clerk"), person("governance")
    request = merge(transact, ("OLD", "NEW"), by=clerk.actor)
    assert (request.status, request.roles, request.title) == ("pending", ("governance",), "OLD is merged into NEW")
    assert leads(transact)["OLD"] == "OLD", "nothing happens before it is agreed"
    assert agree(transact, request, clerk).why == "own_request"
    assert agree(transact, request, steward).status == "approved"
    assert leads(transact) == dict.fromkeys(["OLD", "NEW", *(gtin_of(n) for n in (1, 2, 3))], "NEW")
    found = transact(lambda session, _: items_by_sku(session, ["OLD", "NEW"]))
    assert (found["OLD"].active, found["OLD"].survivor, found["OLD"].barcodes) == (False, "NEW", ())
    assert [code.unit for code in found["NEW"].barcodes] == [None, None, "CS"]
    transact(lambda session, now: save_items(session, [ItemChange("OLD", active=True)], by=TESTER, now=now))
    assert leads(transact)["OLD"] == "OLD", "made active again it leads to itself"


def test_what_was_merged_twice_leads_to_the_last(transact: Transact, twins: Any, entities: Any, person: Any) -> None:
    transact(lambda session, now: make_item(session, now, entities[0].id, sku="NEWER", name="Tea", packs=CASE))
    steward = person("governance")
    for pair in (("OLD", "NEW"), ("NEW", "NEWER")):
        assert agree(transact, merge(transact, pair), steward).status == "approved"
    assert set(leads(transact).values()) == {"NEWER"}


def test_on_its_day_it_is_carried_out_by_the_schedule(
    app: Any, transact: Transact, twins: Any, entities: Any, person: Any, superuser: Any
) -> None:
    request = merge(transact, ("OLD", "NEW"), days=2)
    agree(transact, request, person("governance"))
    assert leads(transact)["OLD"] == "OLD"
    superuser("UPDATE master_data.change_request SET effective_at = now()")
    with app.app_context():
        apply_changes([entity.id for entity in entities])
    assert leads(transact)["OLD"] == "NEW"


def test_beyond_reach_it_waits_for_the_schedule_which_sees_everyone(
    app: Any, transact: Transact, twins: Any, entities: Any, person: Any
) -> None:
    a, b = entities
    both = (a.code, b.code)
    transact(lambda session, now: save_items(session, [ItemChange("OLD", entities=both)], by=TESTER, now=now))
    steward = person("governance")

    def ask_here(session: Any, now: Any) -> Any:
        return merge_items(session, [ItemMerge("OLD", "NEW", stock_survivor=True)], by=TESTER, now=now).requests[0]

    request = transact(ask_here, entities=[a])
    decision = Decision(request.approval_id, 1, "approve")
    done = transact(lambda session, now: decide(session, [decision], by=steward.actor, now=now), entities=[a])[0]
    assert done.status == "approved"
    assert leads(transact)["OLD"] == "OLD", "nobody here can tell what the other entity still has of it"
    with app.app_context():
        apply_changes([a.id, b.id])
    assert leads(transact)["OLD"] == "NEW"
    new = transact(lambda session, _: items_by_sku(session, ["NEW"]))["NEW"]
    assert new.entities == both, "who stocked the one stocks the other"


def test_who_stocks_the_loser_comes_to_stock_the_survivor_where_that_is_asked_for(
    client: Any, login: Any, api: Any, token: Any, transact: Transact, twins: Any, entities: Any, onhand: Any
) -> None:
    a, b = entities
    transact(lambda s, now: save_items(s, [ItemChange("OLD", entities=(a.code, b.code))], by=TESTER, now=now))
    editor = api(token(None, "master_data.read", "master_data.edit"))
    wish = {"survivor": "NEW", "dry_run": True}
    refused = editor.post("/api/v1/items/OLD/merge", json=wish)
    assert refused.status_code == 422
    assert "by the same change" in refused.text
    line = {"label": "NEW: stocked by", "before": a.code, "after": f"{a.code}, {b.code}", "unit": None}
    assert line in editor.post("/api/v1/items/OLD/merge", json=wish | {"stock_survivor": True}).json["changes"]
    assert onhand("change", "merge", "OLD", "NEW", "--stock-survivor", "--dry-run").exit_code == 0
    login(client, "governance", a)
    shown = client.get("/master_data/items/OLD/duplicate?other=NEW").text
    assert f"{b.code} did not stock NEW so far" in shown
    form = {"survivor": "NEW", "stock_survivor": "yes", "csrf_token": csrf_token(client, "/master_data/items/OLD")}
    assert client.post("/master_data/items/OLD/merge", data=form).status_code == 303


@pytest.mark.parametrize(
    ("pair", "fault"),
    [
        (("OLD", "OLD"), "cannot take its own place"),
        (("OLD", "NONE"), "no such item"),
        (("OLD", "GRAMS"), "do not add up"),
        (("OLD", "SMALL"), "make them agree first"),
        (("OLD", "THEIRS"), "would no longer stock it"),
        (("OLD", "GONE"), "it is inactive"),
    ],
)
def test_what_does_not_fit_is_refused(
    transact: Transact, twins: Any, entities: Any, pair: tuple[str, str], fault: str
) -> None:
    a, b = entities

    def make(session: Any, now: Any) -> None:
        make_item(session, now, a.id, sku="GRAMS", base_unit="GRM")
        make_item(session, now, a.id, sku="SMALL", packs=(Pack("CS", 6),))
        make_item(session, now, b.id, sku="THEIRS")
        make_item(session, now, a.id, sku="GONE")
        save_items(session, [ItemChange("GONE", active=False)], by=TESTER, now=now)

    transact(make)
    with pytest.raises(Refused, match=fault):
        merge(transact, pair)


def test_what_was_told_apart_is_not_proposed_again(transact: Transact, twins: Any, entities: Any) -> None:
    a, _ = entities
    _, new = twins

    def standing() -> list[int | None]:
        return [one.item_id for one in transact(lambda session, now: still_true(session, a.id, None, now))]

    transact(lambda session, now: measure(session, a.id, now=now))
    assert standing() == [new.id]
    pair = Distinct("NEW", "OLD", "another harvest")
    transact(lambda session, now: tell_apart(session, [pair, pair], by=TESTER, now=now))
    assert standing() == []
    assert transact(lambda session, now: measure(session, a.id, now=now)).findings == {}
    three = [Item(n, f"S{n}", "Tea", "EA", None, True, (), (), ()) for n in (1, 2, 3)]
    assert [one.message for one in duplicates(three, {(2, 3)})] == ["nearly the same as S1", "nearly the same as S1"]


def test_a_steward_works_a_duplicate_to_an_end(
    app: Any, client: Any, login: Any, transact: Transact, twins: Any, entities: Any
) -> None:
    a, _ = entities
    transact(
        lambda session, now: name_owners(session, [NewOwner("item.survivor", "auditor", None)], by=TESTER, now=now)
    )
    login(client, "governance", a)
    page = "/master_data/items/NEW/duplicate"
    assert "Which other item" in client.get(page).text
    transact(lambda session, now: measure(session, a.id, now=now))
    subject = ExceptionSubject(uuid4(), a.id, "k", ("data_quality",), twins[1].id, None, 1, {})
    with app.test_request_context():
        [step] = transact(lambda session, _: next_steps(session, subject))
        assert transact(lambda session, _: next_steps(session, replace(subject, item_id=twins[0].id))) == []
    assert (step.href, step.permission) == (page, "master_data.edit")
    shown = client.get(page).text
    assert "Merge NEW into OLD" in shown
    assert "merged into" in shown
    wish = {"survivor": "OLD", "csrf_token": csrf_token(client, page)}
    assert client.post("/master_data/items/NEW/merge", data=wish | {"survivor": "NONE"}).status_code == 422
    answer = client.post("/master_data/items/NEW/merge", data=wish)
    assert answer.status_code == 303
    assert "auditor" in client.get("/master_data/requests?status=pending").text
    assert client.post("/master_data/items/NEW/distinct", data=wish | {"other": "OLD"}).status_code == 303
    assert "Which other item" in client.get(page).text


def test_over_rest_and_at_the_command_line(
    onhand: Any, api: Any, token: Any, transact: Transact, twins: Any, entities: Any
) -> None:
    a, _ = entities
    editor = api(token(a, "master_data.read", "master_data.edit"))
    tried = editor.post("/api/v1/items/OLD/merge", json={"survivor": "NEW", "dry_run": True})
    assert {"label": "OLD: merged into", "before": None, "after": "NEW", "unit": None} in tried.json["changes"]
    assert editor.get("/api/v1/change_requests").json["items"] == []
    told = json.loads(onhand("change", "merge", "OLD", "NEW", "--dry-run", "--json").stdout)
    assert (told["status"], told["dry_run"]) == ("pending", True)
    assert onhand("change", "merge", "OLD", "OLD").exit_code == 1
    assert editor.post("/api/v1/items/OLD/merge", json={"survivor": "NEW"}).status_code == 202
    assert editor.post("/api/v1/items/OLD/distinct", json={"other": "NEW"}).status_code == 204
    assert onhand("quality", "distinct", "OLD", "NEW").exit_code == 0
