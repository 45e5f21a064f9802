"""One person's way through the real site, in a real browser, under the real policy."""

import re
from collections.abc import Callable, Iterator

import pytest
from onhand.access.services import RoleAt
from onhand.testing.browser import Visit, served
from playwright.sync_api import expect
from shell_site import PASSWORD, Site

pytestmark = pytest.mark.browser


@pytest.fixture
def address(site: Site) -> Iterator[str]:
    with served(site.app) as url:
        yield url


def test_an_administrator_enables_an_addon_on_a_phone(site: Site, visit: Callable[..., Visit]) -> None:
    site.user("ann", RoleAt("admin", site.north), RoleAt("admin", site.south))
    here = visit(path="/apps", width=390)
    page = here.page
    page.get_by_label("User name").fill("ann")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Apps")

    page.get_by_role("link", name="Change Till for North Shops").click()
    expect(page.get_by_text("Not possible yet.")).to_be_visible()
    page.locator("#plan").get_by_role("link", name="Shelf").click()
    page.get_by_label("From").fill("2099-01-01T08:00")
    expect(page).to_have_url(re.compile("from=2099"))
    page.get_by_label("From").fill("")
    expect(page).not_to_have_url(re.compile("from=2099"))
    page.get_by_role("button", name="Enable", exact=True).click()
    expect(page.get_by_role("status").first).to_contain_text("Shelf is enabled for North Shops")

    page.get_by_label("Menu").click()
    page.get_by_role("navigation", name="Main, phone").get_by_role("link", name="Shelves").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Shelves")
    here.judge()

    page.get_by_label("Entity").select_option("South Shops")
    expect(page.get_by_role("heading", level=1)).to_have_text("South Shops")
    page.get_by_label("Account: Ann").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("You are signed out.")).to_be_visible()
