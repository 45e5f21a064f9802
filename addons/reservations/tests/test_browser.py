"""A hold from the list to its release in a real browser: accessible, at phone and desk width, in light and dark."""

import pytest
from onhand.access.services import RoleAt
from onhand.testing.browser import WIDTHS
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("width", WIDTHS)
def test_a_hold_from_the_list_to_its_release(visit, shop, person, width, books_agree):
    shop.stock(1_234)
    shop.set_policy("buffer", 2, location_id=shop.store.id)
    held = shop.hold({item.sku: 1 for item in shop.items[:1]}, reference="WEB-2026-000123")
    shop.hold(3, reference="another")
    here = visit(person(RoleAt("store_manager", shop.entity.id)), "/reservations/", width=width)
    page = here.page
    expect(page.get_by_role("heading", name="Reservations", level=1)).to_be_visible()
    here.judge()
    page.get_by_label("Order").fill("WEB-2026-000123")
    expect(page.locator("#results tbody tr")).to_have_count(1)
    page.get_by_role("link", name="WEB-2026-000123").click()
    here.judge()
    page.get_by_label("Minutes from now").fill("60")
    page.get_by_role("button", name="Extend").click()
    expect(page.get_by_text("Extended.")).to_be_visible()
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_text("Confirmed.")).to_be_visible()
    page.get_by_label("Because").select_option("payment_failed")
    page.get_by_role("button", name="Release").click()
    expect(page.get_by_text("Let go 1 unit: payment failed")).to_be_visible()
    here.judge()
    here.goto("/reservations/availability")
    page.get_by_label("SKU").fill(shop.sku)
    expect(page.get_by_role("heading", name="1 229 may be promised")).to_be_visible()
    here.judge()
    assert shop.show(held).status == "released"
    books_agree()
