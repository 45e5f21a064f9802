"""Back-tests of rules: recorded requests are put before a draft, and only those that would have gone elsewhere count."""

from datetime import timedelta

import pytest
from onhand.approvals.backtesting import backtest_rules
from onhand.approvals.services import NewRule, RuleRefused
from onhand.approvals.services.rules import RuleChange
from onhand.policies.backtesting import backtest
from onhand.policies.book import Where
from onhand.policies.services import PolicyChange
from onhand.testing.people import sign_in


@pytest.fixture
def tried(house):
    """Try rules for the house's entity on the requests of the last days."""

    def do(*rules, days=7, retire=(), entity=house.entity.id):
        change = RuleChange("draft", entity, rules, retire)
        return house.transact(lambda session, now: backtest_rules(session, change, now=now, days=days))

    return do


def test_a_draft_says_which_requests_would_have_gone_to_whom(house, tried):
    small = house.ask(-5, subject="a")
    large = house.ask(-20, subject="b", amount_minor=-50_00, currency="EUR")
    assert (small.status, [step.role for step in large.steps]) == ("approved", ["store_manager"])
    found = tried(NewRule("bin.set", "governance", quantity_from=5))
    assert (found.examined, found.different, found.quantity, found.amount_minor) == (2, 2, 25, 50_00)
    assert [(row.href, row.before, row.after) for row in found.rows] == [
        (f"/approvals/{large.id}", "store manager", "governance"),
        (f"/approvals/{small.id}", "nobody: done at once", "governance"),
    ]
    assert tried(NewRule("bin.empty", "governance")).examined == 0, "another kind"
    assert house.ask(-5, subject="c").status == "approved", "a draft changes nothing"


def test_what_was_split_is_added_up_until_it_was_given_up(house, tried, transact):
    from onhand.approvals.api import Withdrawal, withdraw

    rule = NewRule("bin.set", "governance", quantity_from=24)
    first, second = house.ask(-12), house.ask(-12)
    assert [row.href for row in tried(rule).rows] == [f"/approvals/{each.id}" for each in (second, first)]
    assert [row.after for row in tried(rule).rows] == ["governance", "nobody: done at once"]
    wish = Withdrawal(first.id)
    transact(lambda session, now: withdraw(session, [wish], by=house.clerk.actor, now=now) and None)
    third = house.ask(-11)
    by_href = {row.href: row.after for row in tried(rule).rows}
    assert by_href[f"/approvals/{third.id}"] == "nobody: done at once"


def test_a_window_against_splitting_is_replayed_as_a_policy(house):
    house.ask(-6, at=house.transact(lambda _, now: now) - timedelta(hours=30))
    late = house.ask(-6)
    assert late.status == "approved"
    change = PolicyChange("approvals.split_hours", 48, Where(entity_id=house.entity.id))
    [found] = house.transact(lambda session, now: backtest(session, [change], now=now, days=7))
    assert [(row.href, row.after) for row in found.result.rows] == [(f"/approvals/{late.id}", "store manager")]


def test_rules_that_cannot_be_are_refused_before_anything_is_replayed(tried):
    with pytest.raises(RuleRefused, match="there is no role"):
        tried(NewRule("bin.set", "emperor"))
    with pytest.raises(RuleRefused, match="no rule 7 is in force"):
        tried(retire=(7,))
    with pytest.raises(RuleRefused, match="give location_id"):
        tried(NewRule("bin.set", "governance", location="S1"))
    with pytest.raises(RuleRefused, match="a location belongs to an entity"):
        tried(NewRule("bin.set", "governance", location_id=4), entity=None)


def test_the_page_and_rest_show_it_before_anything_is_saved(house, client, api, token):
    house.ask(-20)
    query = "kind=bin.set&place=entity&role=governance&quantity_from=20&amount_from_minor=499,50"
    sign_in(client, house.governor, house.entity)
    text = client.get(f"/approvals/rules?{query}").text
    assert "Nothing is saved yet" in text
    assert "49950 EUR (minor units)" in text
    assert text.index("Decided differently") < text.index("Add the rule")
    program = api(token(house.entity, "approvals.read", "approvals.edit"))
    body = {"entity": house.entity.code, "add": [{"kind": "bin.set", "role": "governance"}]}
    answer = program.post("/api/v1/approval-rules/backtest", json=body).json
    assert (answer["examined"], answer["different"], answer["rows"][0]["after"]) == (1, 1, "governance")
    assert program.get("/api/v1/approval-rules").json["items"] == []
