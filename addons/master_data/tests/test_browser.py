"""The stewards' pages in a real browser: accessible, at phone and desk width, in light and dark."""

from collections.abc import Callable
from typing import Any

import pytest
from onhand.testing.browser import WIDTHS, Visit
from onhand.testing.people import Person
from onhand_master_data.api import Naming, Violation, name_authorities, report_violations
from onhand_master_data.testing import TESTER, make_item
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

Transact = Callable[..., Any]
Steward = Callable[[int, str], Visit]


@pytest.fixture
def steward(visit: Callable[..., Visit], person: Callable[..., Person]) -> Steward:
    """A steward at the list of items."""

    def come(width: int) -> Visit:
        here = visit(person("governance"), "/master_data/items", width=width)
        expect(here.page.get_by_role("heading", name="Items", level=1)).to_be_visible()
        return here

    return come


@pytest.mark.parametrize("width", WIDTHS)
def test_authorities_are_named_by_keyboard(steward: Steward, transact: Transact, entities: Any, width: int) -> None:
    a, _ = entities
    here = steward(width)

    def some(session: Any, now: Any) -> None:
        name_authorities(
            session, [Naming(a.id, "stock_ledger", "wms-1", reason="the warehouse counts")], by=TESTER, now=now
        )
        report_violations(session, [Violation("stock_ledger", a.id, "shop-1", "token:1", "receipt 7")], now=now)

    transact(some)
    page = here.open("/master_data/authorities")
    page.get_by_label("Data").focus()
    page.get_by_label("Data").select_option("item_master")
    page.keyboard.press("Tab")
    page.keyboard.type("erp-1")
    page.keyboard.press("Enter")
    expect(page.get_by_text("erp-1 is named.")).to_be_visible()
    here.judge("/master_data/authorities?named")


@pytest.mark.parametrize("width", WIDTHS)
def test_quality_is_measured_and_rules_are_added(
    steward: Steward, transact: Transact, entities: Any, width: int
) -> None:
    a, _ = entities
    here = steward(width)
    for sku, name in (("TEA-1", "Green tea"), ("TEA-2", "Tea, green"), ("CUP", "Cup")):
        transact(lambda session, now, sku=sku, name=name: make_item(session, now, a.id, sku=sku, name=name))
    here.goto("/master_data/rules")
    page = here.page
    page.get_by_label("Items must have").select_option("gtin_required")
    page.get_by_role("button", name="Add the rule").click()
    expect(page.get_by_text("The rule holds from now on.")).to_be_visible()
    here.judge("/master_data/rules?added")
    here.goto("/master_data/quality")
    page.get_by_role("button", name="Measure now").click()
    expect(page.get_by_text("Measured:")).to_be_visible()
    here.judge("/master_data/quality?measured")
    page.get_by_label("SKU or name").fill("TEA-2")
    expect(page.locator("#results tbody tr")).to_have_count(2)
    page = here.open("/master_data/items/TEA-2/duplicate")
    page.get_by_role("link", name="Keep TEA-2 instead").click()
    here.judge("/master_data/items/TEA-2/duplicate?kept")
    page.get_by_role("button", name="Merge them").click()
    expect(page.get_by_role("heading", name="TEA-1 is merged into TEA-2", level=1)).to_be_visible()
    here.judge("/master_data/requests/merge")
