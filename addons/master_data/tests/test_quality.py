"""Items are held to rules: what blocks is refused at the door, the rest is found, scored and worked until it is gone."""

import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from onhand.problems import ImportRefused
from onhand.testing.people import csrf_token
from onhand_master_data.api import (
    Barcode,
    Category,
    Item,
    ItemChange,
    ItemDraft,
    Pack,
    Refused,
    create_categories,
    save_items,
)
from onhand_master_data.importers import ITEMS
from onhand_master_data.jobs import measure_quality
from onhand_master_data.services import NewSetting, add_rules, latest_scores, measure, measuring, retire_rules, settings
from onhand_master_data.services.measuring import ITEMS_ALONE_MAX, still_true
from onhand_master_data.testing import TESTER, gtin_of, make_item, make_items
from onhand_master_data.validation import RULES, duplicates, likeness

Transact = Callable[..., Any]


def hold(transact: Transact, *wishes: NewSetting) -> Any:
    return transact(lambda session, now: add_rules(session, wishes, by=TESTER, now=now))


def save(transact: Transact, *rows: Any, **scope: Any) -> Any:
    return transact(lambda session, now: save_items(session, rows, by=TESTER, now=now), **scope)


def measured(transact: Transact, entity_id: int) -> Any:
    return transact(lambda session, now: measure(session, entity_id, now=now))


def thing(sku: str = "A", **parts: Any) -> Item:
    whole = {"name": "Green tea", "base_unit": "EA", "category": None, "active": True} | parts
    return Item(parts.pop("id", 1), sku, whole["name"], whole["base_unit"], whole["category"], True, (),
                whole.get("packs", ()), whole.get("barcodes", ()))  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "parameter", "good", "bad"),
    [
        ("category_required", "", {"category": "TEA"}, {}),
        ("gtin_required", "", {"barcodes": (Barcode("1"),)}, {}),
        ("pack_required", "", {"packs": (Pack("CS", 2),)}, {}),
        ("pack_required", "CS|BX", {"packs": (Pack("BX", 2),)}, {"packs": (Pack("PX", 2),)}),
        ("pack_gtin_required", "", {"packs": (Pack("CS", 2),), "barcodes": (Barcode("1", "CS"),)}, {"packs": (Pack("CS", 2),)}),
        ("name_pattern", "Green *|Black *", {}, {"name": "White tea"}),
        ("unit_allowed", "EA|GRM", {}, {"base_unit": "KGM"}),
    ],
)  # fmt: skip
def test_each_rule_tells_good_from_bad(rule: str, parameter: str, good: Any, bad: Any) -> None:
    known = {one.name: one for one in RULES}[rule]
    assert known.fault(parameter) is None
    assert known.check(thing(**good), parameter) is None
    assert known.check(thing(**bad), parameter)


def test_near_same_is_the_same_words_unit_and_packs() -> None:
    assert (
        likeness(thing(name="Crème brûlée, 250 g"))
        == likeness(thing(name="250 G CREME-BRULEE"))
        == likeness(thing(name="brulee  creme g 250"))
    )
    for other in ({"name": "Creme brulee 500 g"}, {"base_unit": "GRM"}, {"packs": (Pack("CS", 6),)}):
        assert likeness(thing(**{"name": "Creme brulee 250 g"} | other)) != likeness(thing(name="Creme brulee 250 g"))
    three = [thing(f"S{n}", id=n) for n in (1, 2, 3)]
    assert [(one.item_id, one.message) for one in duplicates(three)] == [
        (2, "nearly the same as S1"),
        (3, "nearly the same as S2"),
    ]


def test_what_breaks_a_blocking_rule_is_refused_and_what_stood_stays(transact: Transact, entities: Any) -> None:
    a, _ = entities
    transact(lambda session, now: make_item(session, now, a.id, sku="OLD"))
    hold(transact, NewSetting("gtin_required", blocks=True))
    with pytest.raises(Refused, match="it has no GTIN") as refused:
        save(transact, ItemDraft("FINE", "Fine", barcodes=(Barcode(gtin_of(1)),)), ItemDraft("BAD", "Bad"))
    assert [(error.index, error.field) for error in refused.value.errors] == [(1, "gtin")]
    save(transact, ItemChange("OLD", name="It was so before"))
    save(transact, ItemChange("OLD", barcodes=(Barcode(gtin_of(2)),)))
    with pytest.raises(Refused, match="it has no GTIN"):
        save(transact, ItemChange("OLD", barcodes=()))


def test_one_wrong_row_of_a_file_keeps_all_out(transact: Transact, entities: Any) -> None:
    a, _ = entities
    hold(transact, NewSetting("name_pattern", "Item *", blocks=True))
    lines = [f"S{n:03},{'Thing' if n == 77 else 'Item'} {n},{a.code}" for n in range(200)]
    text = "sku,name,entities\n" + "\n".join(lines)
    with pytest.raises(ImportRefused) as refused:
        transact(lambda session, now: ITEMS.run(session, text.encode(), TESTER, now))
    assert [(error.row, error.column) for error in refused.value.report.errors] == [(79, "name")]
    assert measured(transact, a.id).items == 0


def test_the_most_specific_setting_of_a_rule_holds(transact: Transact, entities: Any) -> None:
    a, b = entities
    tree = [Category("DRINK", "Drinks"), Category("TEA", "Tea", "DRINK")]
    transact(lambda session, now: create_categories(session, tree, by=TESTER, now=now))
    hold(
        transact,
        NewSetting("unit_allowed", "EA", blocks=True),
        NewSetting("unit_allowed", "GRM", category="DRINK", blocks=True),
        NewSetting("unit_allowed", "MLT", category="DRINK", entity_id=b.id, blocks=True),
    )
    save(transact, ItemDraft("1", "One"), ItemDraft("2", "Two", "GRM", "TEA", (a.code,)))
    save(transact, ItemDraft("3", "Three", "MLT", "TEA", (b.code,)))
    for draft in (
        ItemDraft("4", "Four", "EA", "TEA"),
        ItemDraft("5", "Five", "GRM"),
        ItemDraft("6", "Six", "GRM", "TEA", (b.code,)),
    ):
        with pytest.raises(Refused, match="unit_allowed"):
            save(transact, draft)


def test_a_rule_that_cannot_be_is_refused_by_field(transact: Transact, entities: Any) -> None:
    def faults(*wishes: NewSetting) -> list[str]:
        with pytest.raises(Refused) as refused:
            hold(transact, *wishes)
        return [error.field for error in refused.value.errors]

    assert faults(NewSetting("juggle")) == ["rule"]
    assert faults(NewSetting("gtin_required", "x"), NewSetting("name_pattern", "*" * 9)) == ["parameter", "parameter"]
    assert faults(NewSetting("gtin_required", category="NONE", entity_id=0)) == ["category", "entity"]
    assert faults(NewSetting("gtin_required"), NewSetting("gtin_required")) == ["rule"]
    hold(transact, NewSetting("gtin_required"))
    assert faults(NewSetting("gtin_required", blocks=True)) == ["rule"]


def test_a_rule_holds_from_its_day_until_it_is_retired(transact: Transact, entities: Any) -> None:
    now = transact(lambda _, now: now)
    [later] = hold(transact, NewSetting("gtin_required", blocks=True, effective_from=now + timedelta(days=1)))
    save(transact, ItemDraft("A", "A"))
    transact(lambda session, now: retire_rules(session, [later.id], by=TESTER, now=now))
    [made] = hold(transact, NewSetting("gtin_required", blocks=True))
    with pytest.raises(Refused):
        save(transact, ItemDraft("B", "B"))
    transact(lambda session, now: retire_rules(session, [made.id], by=TESTER, now=now))
    save(transact, ItemDraft("B", "B"))
    with pytest.raises(Refused, match="no such rule"):
        transact(lambda session, now: retire_rules(session, [made.id], by=TESTER, now=now))


def test_the_score_is_what_items_have_left_on_average(transact: Transact, entities: Any) -> None:
    a, b = entities
    assert measured(transact, a.id).score == 100
    transact(lambda session, now: make_item(session, now, a.id, sku="GOOD", name="Good", gtin=gtin_of(1)))
    transact(lambda session, now: make_item(session, now, a.id, sku="BAD", name="Bad"))
    transact(lambda session, now: make_item(session, now, a.id, sku="TWICE", name="bad!"))
    hold(transact, NewSetting("gtin_required"))
    score = measured(transact, a.id)
    assert (score.items, score.with_findings, score.findings) == (3, 2, {"duplicate": 1, "gtin_required": 2})
    assert float(score.score) == pytest.approx((100 + 75 + 25) / 3, abs=0.01)
    assert measured(transact, b.id).items == 0


def test_one_exception_per_item_opens_and_closes_itself(transact: Transact, entities: Any) -> None:
    a, b = entities
    item = transact(lambda session, now: make_item(session, now, a.id, sku="BAD", name="Bad"))
    hold(transact, NewSetting("gtin_required"), NewSetting("category_required"))
    measured(transact, a.id)
    [cause] = transact(lambda session, now: still_true(session, a.id, None, now))
    assert (cause.key, cause.item_id, cause.quantity) == (f"data:{item.id}", item.id, 50)
    assert cause.title == "BAD Bad: it has no category and 1 more"
    assert transact(lambda session, now: still_true(session, b.id, [cause.key], now)) == []
    save(transact, ItemChange("BAD", barcodes=(Barcode(gtin_of(1)),)))
    measured(transact, a.id)
    [cause] = transact(lambda session, now: still_true(session, a.id, [cause.key], now))
    assert cause.evidence["findings"] == "it has no category"
    save(transact, ItemChange("BAD", active=False))
    measured(transact, a.id)
    assert transact(lambda session, now: still_true(session, a.id, None, now)) == []


def test_what_many_items_break_is_one_exception_for_the_rule(
    transact: Transact, entities: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    a, b = entities
    told: list[list[str]] = []
    monkeypatch.setattr(measuring, "publish", lambda _, event: told.append([one.key for one in event.causes]))

    def standing(keys: Any = None, entity_id: int = a.id) -> Any:
        return transact(lambda session, now: still_true(session, entity_id, keys, now))

    made = transact(lambda session, now: make_items(session, now, ITEMS_ALONE_MAX, a.id))
    items = sorted(made, key=lambda item: item.id)
    hold(transact, NewSetting("gtin_required"))
    measured(transact, a.id)
    assert told.pop() == [one.key for one in standing()] == [f"data:{item.id}" for item in items]
    bad = transact(lambda session, now: make_item(session, now, a.id, sku="BAD", name=items[0].name))
    measured(transact, a.id)
    of_rule, of_item = standing()
    assert told.pop() == [of_rule.key, of_item.key] == ["data:rule:gtin_required", f"data:{bad.id}"]
    assert (of_rule.item_id, of_rule.quantity) == (None, ITEMS_ALONE_MAX + 1)
    assert of_rule.title == "A GTIN: 101 items break this rule"
    assert of_item.evidence["findings"] == f"nearly the same as {items[0].sku}"
    assert standing([of_rule.key, f"data:{items[0].id}"]) == [of_rule], "what was told of an item closes"
    assert standing(entity_id=b.id) == []
    save(transact, ItemChange(items[0].sku, barcodes=(Barcode(gtin_of(1)),)))
    measured(transact, a.id)
    assert [one.item_id for one in standing()] == [*(item.id for item in items[1:]), bad.id]
    assert told == []


def test_what_stands_still_is_not_measured_again(app: Any, transact: Transact, entities: Any) -> None:
    a, _ = entities
    with app.app_context():
        measure_quality([a.id])
        measure_quality([a.id])
        assert len(transact(lambda session, _: latest_scores(session, a.id, 9))) == 1
        transact(make_item)
        measure_quality([a.id])
    assert len(transact(lambda session, _: latest_scores(session, a.id, 9))) == 2


def test_measuring_takes_as_many_statements_for_many_items(transact: Transact, entities: Any, statements: Any) -> None:
    a, _ = entities
    hold(transact, NewSetting("gtin_required"))
    counts = []
    for _ in range(2):
        transact(lambda session, now: make_items(session, now, 50, a.id))

        def command(session: Any, now: Any) -> int:
            with statements() as seen:
                measure(session, a.id, now=now)
            return len(seen)

        counts.append(transact(command))
    assert counts[0] == counts[1]


@pytest.fixture
def steward(client: Any, login: Any, entities: Any) -> Any:
    login(client, "governance", entities[0])
    return client


def text_of(answer: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text))


def test_rules_quality_and_owners_at_the_pages(steward: Any, transact: Transact, entities: Any) -> None:
    a, b = entities
    assert "Not measured yet" in text_of(steward.get("/master_data/quality"))
    transact(lambda session, now: make_item(session, now, a.id, sku="BAD", name="Bad"))
    transact(lambda session, now: make_item(session, now, b.id, sku="THEIRS", name="Theirs"))
    page = "/master_data/rules"
    assert "held to no rule yet" in text_of(steward.get(page))
    wish = {"rule": "gtin_required", "csrf_token": csrf_token(steward, page)}
    assert steward.post(page, data=wish | {"parameter": "x"}).status_code == 422
    assert steward.post(page, data=wish).status_code == 303
    assert "A GTIN" in text_of(steward.get(page)).partition("Add a rule")[0]
    steward.post("/master_data/quality", data={"csrf_token": wish["csrf_token"]})
    shown = text_of(steward.get("/master_data/quality"))
    assert "75.00" in shown
    assert "BAD" in shown
    assert "THEIRS" not in shown
    assert "BAD" not in text_of(steward.get("/master_data/quality?rule=duplicate")).partition("Findings by SKU")[2]
    [rule] = transact(lambda session, now: settings(session, now=now))
    steward.post(f"{page}/{rule.id}/retire", data={"csrf_token": wish["csrf_token"]})
    assert transact(lambda session, now: settings(session, now=now)) == []
    shown = text_of(steward.get("/master_data/owners"))
    assert "Pack factors" in shown
    assert "governance" in shown


def test_a_rule_of_another_entity_is_not_retired(
    steward: Any, api: Any, token: Any, transact: Transact, entities: Any
) -> None:
    a, b = entities
    theirs, groups = hold(transact, NewSetting("gtin_required", entity_id=b.id), NewSetting("gtin_required"))
    editor = api(token(a, "master_data.read", "master_data.edit"))
    for rule in (theirs, groups):
        assert editor.post(f"/api/v1/validation_rules/{rule.id}/retire").status_code == 422
        steward.post(
            f"/master_data/rules/{rule.id}/retire", data={"csrf_token": csrf_token(steward, "/master_data/rules")}
        )
    assert len(transact(lambda session, now: settings(session, now=now))) == 2
    assert [one["entity"] for one in editor.get("/api/v1/validation_rules").json["items"]] == [None]


def test_rules_and_scores_over_rest(api: Any, token: Any, transact: Transact, entities: Any) -> None:
    a, b = entities
    editor = api(token(a, "master_data.read", "master_data.edit"))
    transact(lambda session, now: make_item(session, now, a.id, sku="BAD", name="Bad"))
    wish = {"rule": "gtin_required", "entity": a.code}
    made = editor.post("/api/v1/validation_rules", json=wish)
    assert made.status_code == 201
    assert editor.post("/api/v1/validation_rules", json=wish).status_code == 409
    assert editor.post("/api/v1/validation_rules", json=wish | {"entity": b.code}).status_code == 422
    measured(transact, a.id)
    [score] = editor.get("/api/v1/data_quality").json["items"]
    assert (score["entity"], score["score"], score["findings"]) == (a.code, "75.00", {"gtin_required": 1})
    found = editor.get("/api/v1/data_quality/findings?rule=gtin_required").json
    assert [one["sku"] for one in found["items"]] == ["BAD"]
    assert editor.get(f"/api/v1/data_quality/findings?entity={b.code}").status_code == 422
    assert editor.post(f"/api/v1/validation_rules/{made.json['id']}/retire").status_code == 204


def test_at_the_command_line(onhand: Any, transact: Transact, entities: Any) -> None:
    a, _ = entities

    def told(*words: str) -> Any:
        answer = onhand(*words)
        assert answer.exit_code == 0, answer.output
        return json.loads(answer.stdout)

    transact(lambda session, now: make_item(session, now, a.id, sku="BAD", name="Bad"))
    words = ("quality", "hold", "gtin_required", "--entity", a.code, "--json")
    told(*words, "--dry-run")
    made = told(*words)
    assert [one["entity"] for one in told("quality", "rules", "--json") if one["id"]] == [a.code]
    assert told("quality", "measure", "--entity", a.code, "--dry-run", "--json")["score"] == "75.00"
    assert told("quality", "scores", "--json") == []
    told("quality", "measure", "--entity", a.code, "--json")
    assert [one["score"] for one in told("quality", "scores", "--json")] == ["75.00"]
    told("quality", "retire", str(made["id"]), "--json")
    assert told("change", "list", "--json") == []
