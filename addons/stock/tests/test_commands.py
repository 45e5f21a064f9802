"""`onhand ledger`: what it prints for people and for programs, and how it ends."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner
from onhand_stock.api import Group
from onhand_stock.commands import ledger

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


@pytest.fixture
def onhand(app):
    """Run `onhand ledger …` inside the application."""

    def call(*words):
        with app.app_context():
            return CliRunner().invoke(ledger, [str(word) for word in words])

    return call


def explain(onhand, shop, *words):
    answer = onhand("explain", shop.item.sku, shop.location.code, "--json", *words)
    assert answer.exit_code == 0, answer.output
    return json.loads(answer.stdout)


@pytest.fixture
def story(shop):
    """A sale too many, then what covers it."""
    shop.receive(2, occurred_at=NOON, document="delivery:7")
    shop.sell(5, occurred_at=NOON + timedelta(hours=2), document="till:1/9")
    shop.receive(4, occurred_at=NOON + timedelta(hours=1), document="delivery:8")
    return shop


def test_a_markdown_is_explained_by_its_value(onhand, shop):
    shop.receive(2)
    move = shop.move("markdown", 0, "available", "available")
    shop.post(Group("m", (move,), "m:1", NOON, "test", reason="price_drop", value_minor=-250))
    [marked, _] = explain(onhand, shop)["entries"]
    assert (marked["kind"], marked["delta"], marked["value_minor"], marked["balance"]) == ("markdown", 0, -250, 2)
    assert "value -250" in onhand("explain", shop.item.sku, shop.location.code).output


def test_explain_tells_states_entries_and_shortages(onhand, story):
    told = explain(onhand, story)
    assert (told["sku"], told["location"], told["on_hand"]) == (story.item.sku, "S1", 1)
    assert told["states"]["available"] == 1
    assert [(one["kind"], one["state"], one["delta"], one["balance"], one["document"]) for one in told["entries"]] == [
        ("shortage_clear", "available", -3, 1, "delivery:8"),
        ("shortage_clear", "shortage", -3, 0, "delivery:8"),
        ("receipt", "available", 4, 4, "delivery:8"),
        ("sale", "shortage", 3, 3, "till:1/9"),
        ("sale", "available", -2, 0, "till:1/9"),
        ("receipt", "available", 2, 2, "delivery:7"),
    ]
    [shortage] = told["shortages"]
    assert (shortage["quantity"], shortage["standing"], shortage["document"], shortage["is_doubtful"]) == (
        3, 0, "till:1/9", False,
    )  # fmt: skip
    assert [(one["quantity"], one["kind"], one["document"]) for one in shortage["cleared_by"]] == [
        (3, "receipt", "delivery:8")
    ]
    assert told["last_count"] is None
    assert {one["actor"] for one in told["entries"]} == {"system:test"}


def test_every_balance_is_the_one_below_it_plus_its_delta(onhand, story):
    story.count(9)
    story.reverse(story.entries()[-1])
    told = explain(onhand, story)
    for state in ("available", "shortage"):
        running = 0
        for one in reversed([one for one in told["entries"] if one["state"] == state]):
            running += one["delta"]
            assert one["balance"] == running
        assert running == told["states"][state]


def test_explain_one_state_only(onhand, story):
    assert {one["state"] for one in explain(onhand, story, "--state", "shortage")["entries"]} == {"shortage"}


def test_explain_as_it_was_and_as_it_was_known(onhand, story):
    then = explain(onhand, story, "--at", (NOON + timedelta(hours=1)).isoformat())
    assert (then["on_hand"], then["states"]["available"], then["states"]["shortage"]) == (6, 6, 0)
    assert {one["document"] for one in then["entries"]} == {"delivery:8", "delivery:7"}
    known_at = story.entries()[2].recorded_at
    known = explain(onhand, story, "--known-at", known_at.isoformat())
    assert (known["on_hand"], known["states"]["shortage"]) == (-3, 3)


def test_explain_names_the_last_count_and_what_it_expected(onhand, story):
    story.count(9)
    told = explain(onhand, story)["last_count"]
    assert (told["counted"], told["expected"], told["adjustment"]) == (9, 1, 8)


def test_explain_says_when_there_is_more(onhand, story):
    told = explain(onhand, story, "--limit", 1)
    assert (len({one["entry"] for one in told["entries"]}), told["has_more"]) == (1, True)


def test_explain_reads_well(onhand, story):
    story.sell(7, document="till:[bold]1/10")
    text = onhand("explain", story.item.sku, "S1").stdout
    assert "on hand -6 EA: shortage 6" in text
    assert "shortage of 6 opened by till:[bold]1/10" in text
    assert "6 still missing" in text
    assert "shortage of 3 opened by till:1/9" in text
    assert "3 by Receipt delivery:8" in text


def test_what_never_moved_is_explained_too(onhand, shop):
    assert explain(onhand, shop)["entries"] == []
    assert "on hand 0" in onhand("explain", shop.item.sku, "S1").stdout


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["NO-SUCH", "S1"], 1, "there is no item 'NO-SUCH'"),
        (["{sku}", "NOWHERE"], 1, "there is no location 'NOWHERE'"),
        (["{sku}", "S1", "--state", "lost"], 2, "'lost' is not one of"),
        (["{sku}", "S1", "--at", "yesterday"], 2, "give a moment with its offset"),
        (["{sku}", "S1", "--at", "2026-01-05T12:00:00"], 2, "give a moment with its offset"),
        (["{sku}"], 2, "Missing argument"),
    ],
)
def test_what_cannot_be_explained_says_why(onhand, shop, words, code, message):
    answer = onhand("explain", *(word.format(sku=shop.item.sku) for word in words))
    assert answer.exit_code == code
    assert message in answer.output


def test_verify_ends_well_when_the_books_agree(onhand, story):
    answer = onhand("verify", "--json")
    assert answer.exit_code == 0
    told = json.loads(answer.stdout)
    assert told["differences"] == 0
    assert "balance_is_sum_of_ledger" in {law["name"] for law in told["invariants"]}
    assert "The books agree: 0 differences" in onhand("verify").stdout


def test_verify_ends_with_one_when_they_differ(onhand, story, superuser):
    superuser("UPDATE stock.balance SET damaged = 3")
    answer = onhand("verify")
    assert answer.exit_code == 1
    assert f"item_id={story.item.id}" in answer.stdout
    assert json.loads(onhand("verify", "--json").stdout)["differences"] >= 1
