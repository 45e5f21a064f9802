"""The registry at its page and at the command line."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from onhand.testing.people import csrf_token
from onhand_master_data.api import Naming, Violation, authority, name_authorities, registered, report_violations
from onhand_master_data.testing import TESTER

Transact = Callable[..., Any]
PAGE = "/master_data/authorities"


@pytest.fixture
def steward(client: Any, login: Any, entities: Any) -> Any:
    login(client, "governance", entities[0])
    return client


def text_of(answer: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text))


def name(steward: Any, **fields: str) -> Any:
    wish = {"domain": "item_master", "system": "erp-1"} | fields
    return steward.post(PAGE, data=wish | {"csrf_token": csrf_token(steward, PAGE)})


def test_an_empty_registry_says_what_that_means(steward: Any) -> None:
    shown = text_of(steward.get(PAGE))
    assert shown.count("Nobody named: every system may write") == 5
    assert "Nobody has been named yet" in shown


def test_a_system_is_named_replaced_ended_and_withdrawn(steward: Any, transact: Transact, entities: Any) -> None:
    a, _ = entities
    assert name(steward, reason="the ERP owns items").status_code == 303
    shown = text_of(steward.get(PAGE))
    assert "erp-1 in force" in shown
    assert "the ERP owns items" in shown
    overlap = name(steward, system="pim-1", effective_from="2099-01-01T00:00")
    assert overlap.status_code == 422
    assert "overlaps erp-1" in overlap.text
    assert 'value="pim-1"' in overlap.text
    assert name(steward, system="pim-1", effective_from="2099-01-01T00:00", replace="1").status_code == 303
    assert "pim-1 to come" in text_of(steward.get(PAGE))
    rows = transact(lambda session, _: registered(session, [a.id]))
    assert rows[0].effective_from == datetime(2098, 12, 31, 23, tzinfo=UTC), "read in the entity's own time zone"
    token = csrf_token(steward, PAGE)
    for row in rows:
        assert steward.post(f"{PAGE}/{row.id}/end", data={"csrf_token": token}).status_code == 303
    shown = text_of(steward.get(PAGE))
    assert "pim-1 withdrawn" in shown
    assert "erp-1 over" in shown
    assert transact(lambda session, now: authority(session, "item_master", a.id, now)) is None


def test_what_is_no_date_is_said_beside_its_field(steward: Any) -> None:
    answer = name(steward, effective_from="tomorrow")
    assert answer.status_code == 422
    assert "give a date and a time" in answer.text


def test_others_attempts_are_shown(steward: Any, transact: Transact, entities: Any) -> None:
    a, b = entities
    name(steward)
    tried = [Violation("item_master", entity.id, f"shop-{entity.code}", "token:1", "item A<b>") for entity in (a, b)]
    transact(lambda session, now: report_violations(session, tried, now=now))
    answer = steward.get(PAGE)
    assert "shop-A" in text_of(answer)
    assert "shop-B" not in answer.text
    assert "item A&lt;b&gt;" in answer.text


def test_an_auditor_looks_and_cannot_name(client: Any, login: Any, entities: Any) -> None:
    login(client, "auditor", entities[0])
    assert "Name a system" not in client.get(PAGE).text
    assert client.post(PAGE, data={"csrf_token": csrf_token(client, "/")}).status_code == 403


def test_a_period_of_another_entity_is_not_ended(steward: Any, transact: Transact, entities: Any) -> None:
    b = entities[1]
    [row] = transact(
        lambda session, now: name_authorities(session, [Naming(b.id, "item_master", "x")], by=TESTER, now=now)
    )
    steward.post(f"{PAGE}/{row.id}/end", data={"csrf_token": csrf_token(steward, PAGE)})
    assert transact(lambda session, now: authority(session, "item_master", b.id, now)) == "x"


def test_the_command_line_names_lists_and_ends(onhand: Any, transact: Transact, entities: Any, tmp_path: Path) -> None:
    a, _ = entities
    words = ("authority", "name", "stock_ledger", "wms-1", "--entity", a.code, "--json")
    told = onhand(*words, "--dry-run")
    assert told.exit_code == 0, told.output
    assert json.loads(told.stdout)["dry_run"] is True
    assert json.loads(onhand("authority", "list", "--json").stdout) == []
    made = json.loads(onhand(*words).stdout)
    [listed] = json.loads(onhand("authority", "list", "--entity", a.code, "--json").stdout)
    assert (listed["system"], listed["in_force"]) == ("wms-1", True)
    refused = onhand(*words)
    assert refused.exit_code == 1
    assert "overlaps wms-1" in refused.output
    assert onhand("authority", "end", made["id"]).exit_code == 0
    assert transact(lambda session, now: authority(session, "stock_ledger", a.id, now)) is None
    transact(lambda session, now: name_authorities(session, [Naming(a.id, "item_master", "erp-1")], by=TESTER, now=now))
    file = tmp_path / "items.csv"
    file.write_text(f"sku,name,entities\nA,a,{a.code}\n")
    refused = onhand("import", "items", file)
    assert refused.exit_code == 1
    assert "onhand is not authoritative for the item master of A (erp-1)" in refused.output
