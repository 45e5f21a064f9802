"""Who is authoritative for which data: one at a time, from memory, and a write by another is refused and told."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from onhand.actors import Actor
from onhand.db import cursor
from onhand_master_data.api import (
    Catalogue,
    Ending,
    ItemChange,
    LocationDraft,
    Naming,
    NotAuthoritative,
    Refused,
    Violation,
    admits,
    authority,
    create_locations,
    end_authorities,
    name_authorities,
    registered,
    report_violations,
    update_items,
)
from onhand_master_data.importers import ITEMS
from onhand_master_data.services.violations import still_true
from onhand_master_data.testing import TESTER, make_item, make_location

Transact = Callable[..., Any]
NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
ERP = Actor("token", 7, "erp", None, "erp-1")
SHOP = Actor("token", 8, "shop", None, "shop-1")
UNNAMED = Actor("token", 9, "script")


def name(transact: Transact, *namings: Naming, now: datetime = NOON, entities: Any = None) -> Any:
    return transact(lambda session, _: name_authorities(session, namings, by=TESTER, now=now), entities)


def who(transact: Transact, entity_id: int, at: datetime, domain: str = "item_master") -> str | None:
    return transact(lambda session, _: authority(session, domain, entity_id, at))


def faults(transact: Transact, *namings: Naming, now: datetime = NOON) -> list[str]:
    with pytest.raises(Refused) as refused:
        name(transact, *namings, now=now)
    return [error.field for error in refused.value.errors]


def test_nobody_named_lets_everyone_write(transact: Transact, entities: Any) -> None:
    a, _ = entities
    assert who(transact, a.id, NOON) is None
    assert transact(lambda session, now: admits(session, "item_master", a.id, None, now))
    with pytest.raises(ValueError, match="no data domain"):
        who(transact, a.id, NOON, "weather")


def test_each_domain_and_entity_has_its_own_from_a_time_until_a_time(transact: Transact, entities: Any) -> None:
    a, b = entities
    name(
        transact,
        Naming(a.id, "item_master", "erp-1", NOON, NOON + 2 * HOUR),
        Naming(a.id, "item_master", "onhand", NOON + 2 * HOUR),
        Naming(a.id, "stock_ledger", "onhand"),
    )
    for at, system in (
        (-HOUR, None),
        (0 * HOUR, "erp-1"),
        (HOUR, "erp-1"),
        (2 * HOUR, "onhand"),
        (99 * HOUR, "onhand"),
    ):
        assert who(transact, a.id, NOON + at) == system
    assert who(transact, a.id, NOON, "stock_ledger") == "onhand"
    assert who(transact, b.id, NOON) is None


@pytest.mark.parametrize(("start", "hours"), [(0, None), (0, 1), (1, 1), (-1, 2), (-1, None), (1, None), (-1, 99)])
def test_periods_that_overlap_are_refused_and_nothing_is_kept(
    transact: Transact, entities: Any, start: int, hours: int | None
) -> None:
    a, b = entities
    begin = NOON + 10 * HOUR
    name(transact, Naming(a.id, "item_master", "erp-1", begin, begin + 2 * HOUR))
    until = None if hours is None else begin + (start + hours) * HOUR
    wish = Naming(a.id, "item_master", "pim-1", begin + start * HOUR, until)
    assert faults(transact, Naming(b.id, "item_master", "pim-1"), wish) == ["effective_from"]
    assert [row.system for row in transact(lambda s, _: registered(s, [a.id, b.id]))] == ["erp-1"]


def test_two_overlapping_wishes_of_one_list_are_refused(transact: Transact, entities: Any) -> None:
    a, _ = entities
    twice = [Naming(a.id, "item_master", system) for system in ("erp-1", "pim-1")]
    assert faults(transact, *twice) == ["effective_from"]


def test_the_database_itself_keeps_periods_apart(transact: Transact, entities: Any, superuser: Any) -> None:
    a, _ = entities
    name(transact, Naming(a.id, "item_master", "erp-1"))
    with pytest.raises(Exception, match="authority_one_at_a_time"):
        superuser(
            "INSERT INTO master_data.authority (entity_id, domain, system, effective_from, recorded_at, actor)"
            " VALUES (%s, 'item_master', 'x', %s, %s, 'x') RETURNING id", a.id, NOON + HOUR, NOON,
        )  # fmt: skip


def test_what_is_wrong_is_named(transact: Transact, entities: Any) -> None:
    a, _ = entities
    wish = Naming(a.id, "weather", " x", NOON, NOON - HOUR)
    assert faults(transact, wish, Naming(0, "item_master", "x")) == ["domain", "system", "effective_until", "entity"]


def test_the_next_may_replace_the_present_and_history_stands(transact: Transact, entities: Any) -> None:
    a, _ = entities
    name(transact, Naming(a.id, "item_master", "erp-1"))
    name(transact, Naming(a.id, "item_master", "pim-1", NOON + HOUR, replace=True))
    assert who(transact, a.id, NOON) == "erp-1"
    assert who(transact, a.id, NOON + HOUR) == "pim-1"


def test_a_past_beginning_means_now(transact: Transact, entities: Any) -> None:
    a, _ = entities
    [row] = name(transact, Naming(a.id, "item_master", "erp-1", NOON - HOUR))
    assert row.effective_from == NOON
    assert who(transact, a.id, NOON - HOUR) is None


def test_a_period_is_ended_or_withdrawn_but_not_twice(transact: Transact, entities: Any) -> None:
    a, b = entities
    [row] = name(transact, Naming(a.id, "item_master", "erp-1"))
    [coming] = name(transact, Naming(b.id, "item_master", "erp-1", NOON + HOUR))

    def end(*endings: Ending, entities: Any = None) -> Any:
        return transact(lambda session, _: end_authorities(session, endings, by=TESTER, now=NOON + HOUR / 2), entities)

    with pytest.raises(Refused, match="no such period"):
        end(Ending(row.id), Ending(coming.id), entities=[a.id])
    assert [one.effective_until for one in end(Ending(row.id), Ending(coming.id))] == [NOON + HOUR / 2, NOON + HOUR]
    assert who(transact, a.id, NOON + HOUR / 2) is None
    assert who(transact, b.id, NOON + 2 * HOUR) is None
    with pytest.raises(Refused, match="it is over"):
        transact(lambda session, _: end_authorities(session, [Ending(row.id)], by=TESTER, now=NOON + HOUR))


def test_asking_beside_a_catalogue_costs_no_statement(transact: Transact, entities: Any, statements: Any) -> None:
    a, _ = entities
    catalogue = Catalogue()
    name(transact, Naming(a.id, "stock_ledger", "erp-1"))

    def command(session: Any, _: Any) -> tuple[int, str | None]:
        catalogue.resolve(session, skus=["A"])
        with statements() as seen:
            found = authority(session, "stock_ledger", a.id, NOON)
        return len(seen), found

    assert transact(command)[1] == "erp-1"
    assert transact(command) == (0, "erp-1")
    name(transact, Naming(a.id, "stock_ledger", "pim-1", NOON + HOUR, replace=True), now=NOON)
    transact(make_item)
    assert transact(command) == (1, "erp-1"), "changed, so read again, once"
    assert transact(command) == (0, "erp-1")
    transact(make_item)
    assert transact(command) == (0, "erp-1"), "items change often, the registry does not"


def test_a_transaction_sees_what_it_named_and_others_only_after_its_commit(transact: Transact, entities: Any) -> None:
    a, _ = entities

    def command(session: Any, _: Any) -> None:
        assert authority(session, "item_master", a.id, NOON) is None
        name_authorities(session, [Naming(a.id, "item_master", "erp-1")], by=TESTER, now=NOON)
        assert authority(session, "item_master", a.id, NOON) == "erp-1"
        raise LookupError

    with pytest.raises(LookupError):
        transact(command)
    assert who(transact, a.id, NOON) is None


@pytest.mark.parametrize("by", [SHOP, UNNAMED, TESTER, Actor("user", 1, "Ada", 1)])
def test_a_write_from_another_system_is_refused(transact: Transact, entities: Any, by: Actor) -> None:
    a, b = entities
    transact(lambda session, now: make_item(session, now, a.id, b.id, sku="BOTH"))
    transact(lambda session, now: make_item(session, now, b.id, sku="THEIRS"))
    name(transact, Naming(a.id, "item_master", "erp-1"), now=datetime(2026, 1, 1, tzinfo=UTC))

    def rename(sku: str, actor: Actor, new: str = "New") -> Any:
        return transact(lambda s, now: update_items(s, [ItemChange(sku, name=new)], by=actor, now=now))

    with pytest.raises(NotAuthoritative, match=r"not authoritative for the item master of A \(erp-1\)"):
        rename("BOTH", by)
    with pytest.raises(NotAuthoritative):
        transact(lambda s, now: create_locations(s, [LocationDraft("L", "L", a.code)], by=by, now=now))
    with pytest.raises(NotAuthoritative):
        transact(lambda s, now: ITEMS.run(s, f"sku,name,entities\nN,n,{a.code}\n".encode(), by, now))
    assert rename("THEIRS", by)[0].name == "New"
    assert rename("BOTH", ERP)[0].name == "New"
    assert rename("BOTH", by)[0].name == "New", "what changes nothing is no write"
    transact(lambda s, now: create_locations(s, [LocationDraft("L", "L", b.code)], by=by, now=now))


def test_what_is_refused_at_the_door_raises_one_exception_that_closes_itself(
    transact: Transact, entities: Any, api: Any, token: Any
) -> None:
    a, _ = entities
    transact(lambda session, now: make_item(session, now, a.id, sku="A"))
    name(transact, Naming(a.id, "item_master", "erp-1"), now=datetime(2026, 1, 1, tzinfo=UTC))
    shop = api(token(a, "master_data.read", "master_data.edit", source="shop-1"))
    erp = api(token(a, "master_data.read", "master_data.edit", source="erp-1"))
    for _ in range(2):
        answer = shop.patch("/api/v1/items/A", json={"name": "New"})
        assert (answer.status_code, answer.json["type"]) == (409, "/problems/not-authoritative")
        assert answer.json["authorities"] == {"A": "erp-1"}
    assert shop.post("/api/v1/items/import", data="sku,name\nA,New\n", content_type="text/csv").status_code == 409
    assert erp.patch("/api/v1/items/A", json={"name": "New"}).status_code == 200
    [cause] = transact(lambda session, now: still_true(session, a.id, None, now))
    assert cause.evidence["attempts"] == 3
    assert cause.title == "Item master: shop-1 wrote, erp-1 is authoritative"
    assert transact(lambda session, now: still_true(session, a.id, [cause.key], now)) == [cause]
    later = transact(lambda _, now: now) + timedelta(days=8)
    assert transact(lambda session, _: still_true(session, a.id, None, later)) == []
    transact(
        lambda s, now: name_authorities(s, [Naming(a.id, "item_master", "shop-1", replace=True)], by=TESTER, now=now)
    )
    assert transact(lambda session, now: still_true(session, a.id, None, now)) == []


def test_attempts_are_counted_per_system_in_two_statements(transact: Transact, entities: Any, statements: Any) -> None:
    a, b = entities
    tried = [
        Violation("stock_ledger", entity.id, system, "token:1", f"event {n}")
        for n in range(20)
        for entity in (a, b)
        for system in ("x", "y")
    ]

    def command(session: Any, now: Any) -> int:
        with statements() as seen:
            report_violations(session, tried, now=now)
        return len(seen)

    transact(lambda session, now: name_authorities(
        session, [Naming(e.id, "stock_ledger", "onhand") for e in (a, b)], by=TESTER, now=now
    ))  # fmt: skip
    assert transact(command) <= 4
    assert [c.quantity for c in transact(lambda session, now: still_true(session, b.id, None, now))] == [20, 20]
    sql = "SELECT sum(attempts) FROM master_data.authority_violation"
    assert transact(lambda session, _: cursor(session).execute(sql).fetchone(), [a])[0] == 40


def test_the_registry_over_rest(transact: Transact, entities: Any, api: Any, token: Any) -> None:
    a, b = entities
    editor = api(token(a, "master_data.read", "master_data.edit"))
    wish = {"entity": a.code, "domain": "stock_ledger", "system": "wms-1", "reason": "since the move"}
    made = editor.post("/api/v1/authorities", json=wish)
    assert made.status_code == 201
    assert {name: made.json[name] for name in wish} == wish
    assert editor.post("/api/v1/authorities", json=wish).status_code == 409
    assert editor.post("/api/v1/authorities", json=wish | {"entity": b.code}).status_code == 422
    assert editor.post("/api/v1/authorities", json=wish | {"domain": "weather"}).status_code == 422
    listed = editor.get("/api/v1/authorities?domain=stock_ledger").json["items"]
    assert [row["system"] for row in listed] == ["wms-1"]
    assert editor.get("/api/v1/authorities?at=2020-01-01T00:00:00Z").json["items"] == []
    neighbour = api(token(b, "master_data.read", "master_data.edit"))
    assert neighbour.get("/api/v1/authorities").json["items"] == []
    assert neighbour.post(f"/api/v1/authorities/{made.json['id']}/end", json={}).status_code == 422
    ended = editor.post(f"/api/v1/authorities/{made.json['id']}/end", json={})
    assert ended.json["effective_until"] is not None


def test_a_location_of_another_entity_is_not_concerned(transact: Transact, entities: Any) -> None:
    a, b = entities
    name(transact, Naming(a.id, "item_master", "erp-1"), now=datetime(2026, 1, 1, tzinfo=UTC))
    assert transact(lambda session, now: make_location(session, now, b.id)).entity == b.code
