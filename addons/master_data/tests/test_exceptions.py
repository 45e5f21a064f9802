"""What master data adds to exceptions, where those are installed."""

import pytest
from onhand.actors import Actor
from onhand.testing.distribution import with_requirements
from onhand_master_data.api import Category, create_categories
from onhand_master_data.exceptions import categories_above
from onhand_master_data.testing import make_item

services = pytest.importorskip("onhand_exceptions.services", reason="the inbox is not installed")


@pytest.fixture(scope="module")
def addons():
    """Master data and the inbox, neither of which requires the other."""
    return with_requirements({"master_data", "exceptions"})


def test_rules_see_the_category_of_an_item_and_all_above_it(transact, entities, person):
    from onhand_exceptions.ownership import Subject

    by = Actor.system("test")
    ada = person("governance", name="Ada")
    tree = [Category("dairy", "Dairy"), Category("milk", "Milk", "dairy"), Category("toys", "Toys")]
    transact(lambda s, now: create_categories(s, tree, by=by, now=now) and None)
    entity = entities[0].id
    milk = transact(lambda s, now: make_item(s, now, entity, category="milk").id)
    bare = transact(lambda s, now: make_item(s, now, entity).id)
    assert transact(lambda s, _: categories_above(s, [milk, bare])) == [(milk, "dairy"), (milk, "milk")]
    rules = f"category:dairy @{ada.username}\ncategory:toys nobody"
    transact(lambda s, now: services.set_rules(s, entity, rules, by=by, now=now) and None)
    asked = [(Subject(kind="shortage"), milk, None), (Subject(kind="shortage"), bare, None)]
    decisions = transact(lambda s, now: services.would_own(s, entity, asked, now))
    assert [one.rule and one.rule.line for one in decisions] == [1, None]
    assert decisions[0].owner_id == ada.id
