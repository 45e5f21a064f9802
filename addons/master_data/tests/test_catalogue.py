"""The cache answers from memory, and never with what a commit visible to the transaction has undone."""

from collections.abc import Callable
from dataclasses import replace
from threading import Thread
from typing import Any

import pytest
from onhand.db import cursor
from onhand.transaction import run
from onhand_master_data.api import Catalogue, ItemChange, LocationChange, update_items, update_locations
from onhand_master_data.catalogue import CatalogueVersion, catalogue_version
from onhand_master_data.testing import TESTER, gtin_of, make_item, make_items, make_location

Transact = Callable[..., Any]


class NeverAsks(Catalogue):
    """The naive twin: fills its shelf and believes it for ever."""

    def _shelf_for(self, version: CatalogueVersion | None) -> Any:
        return self._shelf


@pytest.fixture
def stocked(transact: Transact, entities: Any) -> Any:
    a, _ = entities
    transact(lambda session, now: make_item(session, now, sku="A", gtin=gtin_of(1)))
    transact(lambda session, now: make_location(session, now, a.id, code="L"))
    return entities


def ask(session: Any, catalogue: Catalogue) -> tuple[list[str], list[str], list[str]]:
    found = catalogue.resolve(session, skus=["A", "B"], gtins=[gtin_of(1)], locations=["L"])
    return sorted(found.by_sku), [ref.sku for ref in found.by_gtin.values()], sorted(found.locations)


def elsewhere(app: Any, command: Callable[..., Any], entities: Any) -> None:
    """Run and commit in another thread, on another connection."""

    def work() -> None:
        with app.app_context():
            run(command, entities=[entity.id for entity in entities])

    thread = Thread(target=work)
    thread.start()
    thread.join()


def rename(session: Any, now: Any) -> None:
    update_items(session, [ItemChange("A", new_sku="B")], by=TESTER, now=now)
    update_locations(session, [LocationChange("L", active=False)], by=TESTER, now=now)


@pytest.mark.parametrize(("kind", "after"), [(Catalogue, (["B"], ["B"], [])), (NeverAsks, (["A", "B"], ["A"], ["L"]))])
def test_a_commit_within_the_transaction_is_seen_at_the_next_question(
    app: Any, transact: Transact, stocked: Any, kind: type[Catalogue], after: Any
) -> None:
    """The naive twin shows that the race is there: it goes on calling the item A."""
    catalogue = kind()
    transact(lambda session, _: ask(session, catalogue))

    def command(session: Any, _: Any) -> tuple[Any, Any]:
        before = ask(session, catalogue)
        elsewhere(app, rename, stocked)
        return before, ask(session, catalogue)

    assert transact(command) == ((["A"], ["A"], ["L"]), after)


def test_a_rolled_back_change_leaves_no_trace(transact: Transact, stocked: Any) -> None:
    catalogue = Catalogue()

    def command(session: Any, now: Any) -> None:
        rename(session, now)
        assert ask(session, catalogue) == (["B"], ["B"], [])
        raise RuntimeError("rolled back")

    with pytest.raises(RuntimeError, match="rolled back"):
        transact(command)
    assert transact(lambda session, _: ask(session, catalogue)) == (["A"], ["A"], ["L"])


def test_a_warm_batch_costs_one_statement(transact: Transact, stocked: Any, statements: Any) -> None:
    catalogue = Catalogue()
    items = transact(lambda session, now: make_items(session, now, 1000))
    skus = [item.sku for item in items]

    def resolve(session: Any, _: Any) -> tuple[int, list[str]]:
        with statements() as seen:
            found = catalogue.resolve(session, skus=skus, gtins=[gtin_of(1)], locations=["L"])
        return len(found.by_sku), [text.split()[1] for text in seen]

    version, items_too, locations_too = (
        "master_data.version",
        "master_data.resolve_items",
        "master_data.resolve_locations",
    )
    assert transact(resolve) == (1000, [version, items_too, locations_too])
    assert transact(resolve) == (1000, [version])


def test_a_cached_location_is_still_only_its_entitys(transact: Transact, stocked: Any) -> None:
    a, b = stocked
    catalogue = Catalogue()
    assert transact(lambda session, _: ask(session, catalogue), entities=[a.id])[2] == ["L"]
    assert transact(lambda session, _: ask(session, catalogue), entities=[b.id])[2] == []
    assert transact(lambda session, _: ask(session, catalogue), entities=[a.id])[2] == ["L"]


def test_the_cache_is_bounded(transact: Transact, entities: Any) -> None:
    catalogue = Catalogue(items_max=10)
    items = transact(lambda session, now: make_items(session, now, 50))
    skus = [item.sku for item in items]
    found = transact(lambda session, _: catalogue.resolve(session, skus=skus))
    assert len(found.by_sku) == 50
    assert list(catalogue._shelf.by_sku) == list(found.by_sku)[-10:]


def test_an_older_snapshot_neither_reads_nor_turns_back_what_is_newer() -> None:
    catalogue = Catalogue()
    old = CatalogueVersion("epoch", 5, "100", own=False)
    new = replace(old, n=6, changed_in="101")
    shelf = catalogue._shelf_for(new)
    assert catalogue._shelf_for(old) is not shelf
    assert catalogue._shelf_for(new) is shelf
    assert catalogue._shelf_for(replace(new, own=True)) is not shelf
    assert catalogue._shelf_for(replace(old, epoch="restored")) is not shelf


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE master_data.item SET name = name",
        "DELETE FROM master_data.barcode",
        "UPDATE master_data.location SET active = active",
        "DELETE FROM master_data.item_entity",
        "UPDATE master_data.unit SET name = name",
    ],
)
def test_whoever_writes_moves_the_version_on(transact: Transact, stocked: Any, statement: str) -> None:
    """By hand in psql too: the tables' triggers do it, not the verbs."""
    before = transact(lambda session, _: catalogue_version(session))
    transact(lambda session, _: cursor(session).execute(statement))
    after = transact(lambda session, _: catalogue_version(session))
    assert after.n > before.n
    assert not after.own
