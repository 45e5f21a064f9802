"""Every law of every installed add-on holds on a site where nothing has happened yet, walls included."""

from collections.abc import Callable
from typing import Any

from onhand.contract.tables import declared_tables
from onhand.invariants import WITHOUT_WALL
from onhand.testing.site import Site
from onhand_stock.services import Finding, verify


def test_no_law_is_broken_before_anything_happens(transact: Callable[..., list[Finding]]) -> None:
    findings = transact(lambda session, now: verify(session, now=now))
    assert {one.name: one.examples for one in findings if one.differences} == {}
    assert {"I1", "I2", "I3", "I4", "I5", "I6", "I9", "I10", "I11"} <= {one.code for one in findings}


def test_what_has_an_entity_and_no_wall_is_declared_so(onhand_site: Site, superuser: Any) -> None:
    """The law of walls knows by name which tables need none; they are not declared to be entities' tables."""
    scopes = {
        table.fullname: table.info["scope"]
        for package in ("onhand", *(addon.package for addon in onhand_site.addons))
        for table in declared_tables(package)
    }
    assert {scopes[name] for name in WITHOUT_WALL} <= {"group", "system"}
