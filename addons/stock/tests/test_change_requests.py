"""After first use master data changes by request: agreed by its owner, on its day, and never rewriting what was counted."""

from datetime import timedelta
from fractions import Fraction
from types import SimpleNamespace
from uuid import UUID

import pytest
from onhand.approvals.api import Decision, Refused, decide
from onhand.db import cursor
from onhand.problems import ImportRefused
from onhand_master_data.api import (
    Barcode,
    Catalogue,
    ItemChange,
    ItemDraft,
    LocationChange,
    Pack,
    items_by_sku,
    locations_by_code,
    to_base_quantity,
)
from onhand_master_data.importers import ITEMS
from onhand_master_data.services import (
    Terms,
    apply_due,
    change_items,
    change_locations,
    change_units,
    withdraw_requests,
)
from onhand_master_data.testing import TESTER, gtin_of, make_item, make_items, make_location
from onhand_master_data.values import UnitChange
from onhand_stock.testing import receive

DAY = timedelta(days=1)


@pytest.fixture
def tea(transact, entities):
    """An item that A and B stock, in cases of twelve: 24 at a shop of A, 36 at one of B."""
    a, b = entities

    def make(session, now):
        item = make_item(session, now, a.id, b.id, sku="TEA", packs=(Pack("CS", 12),))
        for entity, code, units in ((a, "S-A", 24), (b, "S-B", 36)):
            shop = make_location(session, now, entity.id, code=code)
            receive(session, now, entity.id, shop.id, {item.id: units})
        return item

    return transact(make)


@pytest.fixture
def ask(transact, person):
    """Ask for changes of items as a steward; returns what became of them, and asks as someone else if told so."""
    steward = person("governance")

    def change(*rows, by=None, at=None, entities=None):
        terms = Terms(at, "wrong in the catalogue")
        by = by or steward.actor
        return transact(lambda session, now: change_items(session, rows, terms=terms, by=by, now=now), entities)

    change.steward = steward
    return change


@pytest.fixture
def agree(transact, person):
    def by(request, who=None, entities=None):
        actor = (who or person("governance")).actor
        decision = Decision(request.approval_id, 1, "approve")
        return transact(lambda session, now: decide(session, [decision], by=actor, now=now), entities)[0]

    return by


def item(transact):
    return transact(lambda session, _: items_by_sku(session, ["TEA"]))["TEA"]


def status(transact, request):
    sql = "SELECT status FROM master_data.change_request WHERE id = %s"
    return transact(lambda session, _: cursor(session).execute(sql, (request.id,)).fetchone())[0]


def test_before_first_use_edits_are_direct(transact, entities, ask):
    transact(lambda session, now: make_item(session, now, sku="NEW"))
    assert ask(ItemChange("NEW", name="Newer", packs=(Pack("CS", 6),))).outcomes == ("applied",)
    assert transact(lambda session, _: items_by_sku(session, ["NEW"]))["NEW"].packs == (Pack("CS", 6),)


def test_one_request_corrects_a_pack_across_two_entities_and_shows_both_stocks(transact, tea, ask, agree):
    changed = ask(ItemChange("TEA", packs=(Pack("CS", 10),)))
    assert changed.outcomes == ("requested",)
    [request] = changed.requests
    assert (request.status, request.roles, request.title) == ("pending", ("governance",), "TEA: one CS holds: 12 → 10")
    assert item(transact).packs == (Pack("CS", 12),), "nothing changes before the owner agrees"
    sql = "SELECT entity_id, kind, quantity, evidence, changes FROM onhand.approval WHERE id = %s"
    entity, kind, quantity, evidence, changes = transact(
        lambda session, _: cursor(session).execute(sql, (request.approval_id,)).fetchone()
    )
    assert (entity, kind, quantity) == (None, "master_data.pack", 60)
    assert [(each["label"], each["value"]) for each in evidence[:2]] == [
        ("A: on hand at 1 location", "24"),
        ("B: on hand at 1 location", "36"),
    ]
    assert changes == [{"label": "TEA: one CS holds", "before": 12, "after": 10, "unit": "EA"}]
    own = agree(request, ask.steward)
    assert isinstance(own, Refused)
    assert own.why == "own_request"
    assert agree(request).status == "approved"
    assert item(transact).packs == (Pack("CS", 10),)
    assert status(transact, request) == "applied"


def test_a_changed_factor_counts_what_occurs_from_then_on_and_rewrites_nothing(transact, entities, tea, ask, agree):
    before = transact(lambda session, _: cursor(session).execute("SELECT * FROM stock.movement ORDER BY id").fetchall())
    seen = transact(lambda _, now: now)
    [request] = ask(ItemChange("TEA", packs=(Pack("CS", 10),))).requests
    agree(request)
    after = transact(lambda _, now: now)
    ref = transact(lambda session, _: Catalogue().resolve(session, skus=["TEA"]).by_sku["TEA"])
    assert to_base_quantity(ref, 2, "CS", at=seen) == 24, "what occurred before, however late it is told"
    assert to_base_quantity(ref, 2, "CS", at=seen - 999 * DAY) == 24
    assert to_base_quantity(ref, 2, "CS", at=after) == 20
    assert to_base_quantity(ref, 2, "CS") == 20
    rows = transact(lambda session, _: cursor(session).execute("SELECT * FROM stock.movement ORDER BY id").fetchall())
    assert rows == before


def test_a_pack_that_is_gone_still_counts_what_occurred_while_it_was_there(transact, tea, ask, agree):
    seen = transact(lambda _, now: now)
    [request] = ask(ItemChange("TEA", packs=())).requests
    agree(request)
    ref = transact(lambda session, _: Catalogue().resolve(session, skus=["TEA"]).by_sku["TEA"])
    assert to_base_quantity(ref, 1, "CS", at=seen) == 12
    with pytest.raises(ValueError, match="no unit 'CS'"):
        to_base_quantity(ref, 1, "CS", at=transact(lambda _, now: now))


def test_a_wrong_pack_of_an_unused_item_leaves_no_trace(transact, entities, ask):
    transact(lambda session, now: make_item(session, now, sku="NEW", packs=(Pack("CS", 10),)))
    seen = transact(lambda _, now: now)
    ask(ItemChange("NEW", packs=(Pack("CS", 12),)))
    ref = transact(lambda session, _: Catalogue().resolve(session, skus=["NEW"]).by_sku["NEW"])
    assert to_base_quantity(ref, 1, "CS", at=seen) == 12
    assert ref.factors == {}


def test_what_is_agreed_for_a_day_is_applied_on_it(transact, tea, ask, agree):
    day = transact(lambda _, now: now) + DAY
    [request] = ask(ItemChange("TEA", packs=(Pack("CS", 10),)), at=day).requests
    assert agree(request).status == "approved"
    assert status(transact, request) == "scheduled"
    assert transact(lambda session, _: apply_due(session, by=TESTER, now=day - DAY / 2)) == 0
    assert item(transact).packs == (Pack("CS", 12),)
    assert transact(lambda session, _: apply_due(session, by=TESTER, now=day + DAY / 2)) == 1
    assert transact(lambda session, _: apply_due(session, by=TESTER, now=day + DAY)) == 0
    assert status(transact, request) == "applied"
    ref = transact(lambda session, _: Catalogue().resolve(session, skus=["TEA"]).by_sku["TEA"])
    assert to_base_quantity(ref, 1, "CS", at=day) == 10, "from its day on, however late the clock was"
    assert to_base_quantity(ref, 1, "CS", at=day - DAY / 2) == 12


def test_what_no_longer_fits_on_its_day_fails_whole_and_raises_an_exception(transact, entities, tea, ask, agree):
    from onhand_master_data.services.requesting import failed_standing

    a, _ = entities
    day = transact(lambda _, now: now) + DAY
    [later] = ask(ItemChange("TEA", name="Green tea", barcodes=(Barcode(gtin_of(1)),)), at=day).requests
    agree(later)
    transact(lambda session, now: make_item(session, now, sku="OTHER", gtin=gtin_of(1)))
    transact(lambda session, _: apply_due(session, by=TESTER, now=day))
    assert status(transact, later) == "failed"
    assert item(transact).name == tea.name
    [cause] = transact(lambda session, now: failed_standing(session, a.id, None, now))
    assert "belongs to item OTHER" in cause.evidence["detail"]
    transact(lambda session, now: withdraw_requests(session, [later.id], by=TESTER, now=now))
    assert transact(lambda session, now: failed_standing(session, a.id, None, now)) == []


def test_a_world_that_moved_on_is_shown_anew_and_the_consent_is_void(transact, tea, ask, agree):
    [first] = ask(ItemChange("TEA", name="Green tea")).requests
    [second] = ask(ItemChange("TEA", name="White tea")).requests
    agree(second)
    outdated = agree(first)
    assert isinstance(outdated, Refused)
    assert outdated.why == "outdated"
    assert [(line.before, line.after) for line in outdated.now.changes] == [("White tea", "Green tea")]
    assert item(transact).name == "White tea"


def test_one_file_is_one_request_and_what_is_unused_is_changed_at_once(transact, entities, tea, person):
    a, b = entities
    transact(lambda session, now: make_item(session, now, a.id, sku="FREE"))
    text = f"sku,name,entities\nTEA,Green tea,{a.code}|{b.code}\nFREE,Freed,{a.code}\nNEW,New,{a.code}\n"
    by = person("governance").actor
    report = transact(lambda session, now: ITEMS.run(session, text.encode(), by, now))
    assert [(row.row, row.outcome) for row in report.outcomes] == [(2, "requested"), (3, "applied"), (4, "created")]
    assert (report.created, report.updated, report.requested) == (1, 1, 1)
    assert item(transact).name == tea.name


def test_what_an_entity_beyond_reach_stocks_counts_as_used(transact, entities, ask):
    a, b = entities
    transact(lambda session, now: make_item(session, now, a.id, b.id, sku="BOTH"))
    assert ask(ItemChange("BOTH", name="New"), entities=[a.id]).outcomes == ("requested",)
    assert ask(ItemChange("BOTH", name="Newer")).outcomes == ("applied",)


def test_a_location_with_stock_and_a_unit_in_use_change_by_request(transact, entities, tea, person):
    by = person("governance").actor
    move = [LocationChange("S-A", name="Renamed")]
    changed = transact(lambda session, now: change_locations(session, move, by=by, now=now))
    assert changed.outcomes == ("requested",)
    assert transact(lambda session, _: locations_by_code(session, ["S-A"]))["S-A"].name == "Location S-A"
    rename = [UnitChange("CS", "chest"), UnitChange("PX", "platform")]
    changed = transact(lambda session, now: change_units(session, rename, by=by, now=now))
    assert changed.outcomes == ("requested", "applied")


@pytest.fixture
def foreign(transact, entities, api, token):
    """A system that is not authoritative for any item, and whose writes are parked."""
    from onhand.policies.book import Where
    from onhand.policies.services import set_policy
    from onhand_master_data.api import Naming, name_authorities

    namings = [Naming(entity.id, "item_master", "erp-1") for entity in entities]
    transact(lambda session, now: name_authorities(session, namings, by=TESTER, now=now))
    transact(
        lambda session, now: set_policy(session, "master_data.foreign_writes", "park", Where(), by=TESTER, now=now)
    )
    return api(token(None, "master_data.read", "master_data.edit", source="shop-1"))


def test_a_parked_write_of_another_system_becomes_a_request(transact, entities, tea, foreign):
    a, _ = entities
    answer = foreign.patch("/api/v1/items/TEA", json={"name": "Green tea"})
    assert answer.status_code == 202
    assert answer.json["request"]["status"] == "pending"
    described = foreign.get("/api/v1/openapi.json").json["components"]["schemas"]
    assert described["AskedFor"]["properties"].keys() == answer.json.keys()
    assert described["Requested"]["properties"].keys() == answer.json["request"].keys()
    assert item(transact).name == tea.name
    assert foreign.post("/api/v1/items", json={"sku": "X", "name": "X", "entities": [a.code]}).status_code == 409


def test_a_parked_change_of_who_stocks_an_item_says_so_and_is_agreed_to(transact, entities, tea, foreign, agree):
    a, b = entities
    answer = foreign.patch("/api/v1/items/TEA", json={"entities": [a.code]})
    assert answer.status_code == 202
    assert answer.json["request"]["title"] == f"TEA: stocked by: {a.code}, {b.code} → {a.code}"
    assert item(transact).entities == (a.code, b.code)
    agree(SimpleNamespace(approval_id=UUID(answer.json["request"]["approval"])))
    assert item(transact).entities == (a.code,)


def test_drafts_wait_for_their_day_too(transact, entities, ask, agree):
    a, b = entities
    day = transact(lambda _, now: now) + DAY
    draft = ItemDraft("LATER", "Later", entities=(a.code, b.code), packs=(Pack("CS", 7, 2),))
    [request] = ask(draft, at=day).requests
    agree(request)
    transact(lambda session, _: apply_due(session, by=TESTER, now=day))
    made = transact(lambda session, _: items_by_sku(session, ["LATER"]))["LATER"]
    assert Fraction(made.packs[0].numerator, made.packs[0].denominator) == Fraction(7, 2)


def test_five_thousand_changes_are_tried_refused_whole_for_one_wrong_row_and_taken(transact, entities, person):
    a, _ = entities
    by = person("governance").actor

    def stock_some(session, now):
        items = make_items(session, now, 5_000, a.id)
        shop = make_location(session, now, a.id)
        receive(session, now, a.id, shop.id, {item.id: 1 for item in items[:500]})
        return items

    items = transact(stock_some)
    rows = [f"{item.sku},Thing {item.sku},{a.code},CS=12" for item in items]

    def load(lines):
        text = "\n".join(["sku,name,entities,packs", *lines])
        return transact(lambda session, now: ITEMS.run(session, text.encode(), by, now))

    wrong = [*rows[:4_000], f"{items[4_000].sku},Thing,{a.code},CS=none", *rows[4_001:]]
    with pytest.raises(ImportRefused) as refused:
        load(wrong)
    assert [(error.row, error.column) for error in refused.value.report.errors] == [(4_002, "packs")]
    name = transact(lambda session, _: items_by_sku(session, [items[0].sku]))[items[0].sku].name
    assert not name.startswith("Thing"), "nothing half-done"
    count = "SELECT count(*) FROM master_data.change_request"
    assert transact(lambda session, _: cursor(session).execute(count).fetchone())[0] == 0
    report = load(rows)
    assert (report.updated, report.requested, len(report.outcomes)) == (4_500, 500, 5_000)
    assert transact(lambda session, _: cursor(session).execute(count).fetchone())[0] == 1
