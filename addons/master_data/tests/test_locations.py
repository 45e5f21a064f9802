"""Locations: seen by their entity alone, and its for good."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from onhand.db import cursor
from onhand_master_data.api import (
    LocationChange,
    LocationDraft,
    Refused,
    create_locations,
    describe_locations,
    location_choices,
    locations_by_code,
    resolve_locations,
    save_locations,
    update_locations,
)
from onhand_master_data.testing import TESTER, gtin_of, make_location

Transact = Callable[..., Any]


def test_a_location_takes_its_entitys_time_zone(transact: Transact, entities: Any) -> None:
    a, _ = entities
    zone = transact(
        lambda session, _: (
            cursor(session).execute("SELECT time_zone FROM onhand.entity WHERE id = %s", (a.id,)).fetchone()
        )
    )
    location = transact(lambda session, now: make_location(session, now, a.id))
    assert location.time_zone == zone[0]
    assert (location.entity, location.active) == (a.code, True)


def test_another_entitys_location_does_not_exist(transact: Transact, entities: Any) -> None:
    a, b = entities
    mine = transact(lambda session, now: make_location(session, now, a.id, code="MINE"))
    readers = {
        "resolve": lambda session, _: resolve_locations(session, ["MINE"]),
        "whole": lambda session, _: locations_by_code(session, ["MINE"]),
        "names": lambda session, _: describe_locations(session, [mine.id]),
        "choices": lambda session, _: location_choices(session, [a.id, b.id]),
        "rows": lambda session, _: cursor(session).execute("SELECT code FROM master_data.location").fetchall(),
    }
    for name, reader in readers.items():
        assert transact(reader, entities=[a.id]), name
        assert not transact(reader, entities=[b.id]), name
    change = [LocationChange("MINE", name="Yours")]
    with pytest.raises(Refused):
        transact(lambda session, now: update_locations(session, change, by=TESTER, now=now), entities=[b.id])


def test_a_code_or_gln_beyond_the_wall_is_taken_all_the_same(transact: Transact, entities: Any) -> None:
    a, b = entities
    transact(lambda session, now: make_location(session, now, a.id, code="X", gln=gtin_of(1)))
    for draft in (LocationDraft("X", "X", b.code), LocationDraft("Y", "Y", b.code, gln=gtin_of(1))):
        with pytest.raises(Refused) as refused:
            transact(
                lambda session, now, draft=draft: create_locations(session, [draft], by=TESTER, now=now),
                entities=[b.id],
            )
        assert [error.conflict for error in refused.value.errors] == [True]
    transact(lambda session, now: make_location(session, now, b.id, code="Z"))
    change = [LocationChange("Z", gln=gtin_of(1))]
    with pytest.raises(Refused) as refused:
        transact(lambda session, now: update_locations(session, change, by=TESTER, now=now), entities=[b.id])
    assert [(error.field, error.conflict) for error in refused.value.errors] == [("gln", True)]


def test_every_fault_of_every_location_is_named_at_once(transact: Transact, entities: Any) -> None:
    a, _ = entities
    transact(lambda session, now: make_location(session, now, a.id, code="OLD", gln=gtin_of(1)))
    rows = [
        LocationDraft("-", "", a.code, "shed", "123", "Europe/Nowhere"),
        LocationDraft("OK", "Fine", "??"),
        LocationDraft("OLD", "Again", a.code),
        LocationDraft("TWO", "Two", a.code, gln=gtin_of(1)),
        LocationChange("NONE", name="None"),
    ]
    with pytest.raises(Refused) as refused:
        transact(lambda session, now: save_locations(session, rows, by=TESTER, now=now))
    assert {(error.index, error.field) for error in refused.value.errors} == {
        (0, "code"), (0, "name"), (0, "kind"), (0, "gln"), (0, "time_zone"), (1, "entity"), (2, "code"), (2, "gln"),
        (3, "gln"), (4, "code"),
    } - {(2, "gln")}  # fmt: skip
    assert list(transact(lambda session, _: locations_by_code(session, ["OK", "OLD", "TWO"]))) == ["OLD"]


@pytest.mark.parametrize("column", ["entity_id", "code", "id"])
def test_the_database_lets_nobody_move_a_location(transact: Transact, entities: Any, column: str) -> None:
    a, _ = entities
    transact(lambda session, now: make_location(session, now, a.id))
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        transact(lambda session, _: cursor(session).execute(f"UPDATE master_data.location SET {column} = {column}"))


def test_a_closed_location_is_kept_and_not_resolved(transact: Transact, entities: Any) -> None:
    a, _ = entities
    location = transact(lambda session, now: make_location(session, now, a.id, code="X"))
    off = [LocationChange("X", active=False)]
    transact(lambda session, now: update_locations(session, off, by=TESTER, now=now))
    assert transact(lambda session, _: resolve_locations(session, ["X"])) == {}
    assert transact(lambda session, _: location_choices(session, [a.id])) == []
    assert transact(lambda session, _: describe_locations(session, [location.id]))[location.id].code == "X"


def test_a_change_is_in_its_entitys_audit_trail(transact: Transact, entities: Any) -> None:
    a, _ = entities
    location = transact(lambda session, now: make_location(session, now, a.id, code="X", name="Old"))
    change = [LocationChange("X", name="New")]
    transact(lambda session, now: update_locations(session, change, by=TESTER, now=now))
    rows = transact(
        lambda session, _: (
            cursor(session)
            .execute(
                "SELECT action, before, after, entity_id FROM onhand.audit WHERE subject = %s ORDER BY id",
                (f"location:{location.id}",),
            )
            .fetchall()
        )
    )
    assert [row[0] for row in rows] == ["location.create", "location.change"]
    assert rows[1][1:] == ({"name": "Old"}, {"name": "New"}, a.id)
