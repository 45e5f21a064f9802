"""Categories form a tree, and units are what the standard says, and a site's own packages."""

from collections.abc import Callable
from typing import Any

import pytest
from onhand_master_data.api import (
    Category,
    ItemDraft,
    Pack,
    Refused,
    Unit,
    categories,
    create_categories,
    create_items,
    create_units,
    save_categories,
    units,
)
from onhand_master_data.services import rename_units
from onhand_master_data.testing import TESTER
from onhand_master_data.units import UNITS

Transact = Callable[..., Any]


def save(transact: Transact, *wanted: Category) -> Any:
    return transact(lambda session, now: save_categories(session, wanted, by=TESTER, now=now))


def test_a_parent_may_follow_its_children(transact: Transact, entities: Any) -> None:
    save(transact, Category("B", "Below", "A"), Category("A", "Above"))
    assert transact(lambda session, _: categories(session)) == {
        "A": Category("A", "Above"),
        "B": Category("B", "Below", "A"),
    }


def test_nothing_lies_below_itself(transact: Transact, entities: Any) -> None:
    save(transact, Category("A", "A"), Category("B", "B", "A"), Category("C", "C", "B"))
    for loop in (Category("A", "A", "A"), Category("A", "A", "C")):
        with pytest.raises(Refused) as refused:
            save(transact, loop)
        assert [error.field for error in refused.value.errors] == ["parent"]


def test_what_exists_is_not_created_again(transact: Transact, entities: Any) -> None:
    save(transact, Category("A", "A"))
    with pytest.raises(Refused) as refused:
        transact(lambda session, now: create_categories(session, [Category("A", "B")], by=TESTER, now=now))
    assert refused.value.errors[0].conflict


def test_the_table_of_units_mirrors_the_list_that_converts(transact: Transact, entities: Any) -> None:
    kept = transact(lambda session, _: units(session))
    assert {code: kept[code] for code in (unit.code for unit in UNITS)} == {unit.code: unit for unit in UNITS}


def test_a_site_names_its_own_package_and_an_item_fills_it(transact: Transact, entities: Any) -> None:
    def command(session: Any, now: Any) -> Any:
        create_units(session, [Unit("ROLLI", "Roll container", "package")], by=TESTER, now=now)
        return create_items(session, [ItemDraft("A", "A", packs=(Pack("ROLLI", 240),))], by=TESTER, now=now)

    assert transact(command)[0].packs == (Pack("ROLLI", 240),)
    renamed = transact(lambda session, now: rename_units(session, {"ROLLI": "Trolley"}, by=TESTER, now=now))
    assert renamed == [Unit("ROLLI", "Trolley", "package")]


@pytest.mark.parametrize(
    "unit",
    [
        Unit("EA", "Each", "package"),
        Unit("XCS", "Case", "package"),
        Unit("STN", "Stone", "mass"),
        Unit("x", "", "package"),
    ],
)
def test_measures_and_what_exists_cannot_be_added(transact: Transact, entities: Any, unit: Unit) -> None:
    with pytest.raises(Refused):
        transact(lambda session, now: create_units(session, [unit], by=TESTER, now=now))
