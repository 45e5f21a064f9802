"""The pages in a real Chromium: accessible at both widths in both themes, and alive without breaking the policy."""

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from onhand.testing.browser import WIDTHS, Visit
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

PAGES = ("/", "/home?signed=in", "/home-empty", "/login?problem=No", "/error", "/apps", "/plan", "/plan?refused=1")

Visits = Callable[..., Visit]


def test_no_page_has_an_accessibility_violation(visit: Visits) -> None:
    here = visit()
    for path in PAGES:
        here.goto(path)
        here.judge(widths=WIDTHS)


def test_axe_would_find_a_pale_text(visit: Visits) -> None:
    page = visit(path="/home").page
    page.evaluate("document.querySelector('h1').style.color = '#ccc'")
    assert [found["id"] for found in Axe().run(page).response["violations"]] == ["color-contrast"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_primary_targets_are_large_enough_for_a_thumb(visit: Visits, scheme: str) -> None:
    page = visit(width=390, scheme=scheme, has_touch=True).page
    # The filter's own button is out of sight while scripts run, and as large as the others when it has the focus.
    targets = page.locator(".btn:visible:not(.oh-filters [type=submit]), .oh-icon-button:visible").all()
    assert len(targets) > 5
    for box in [target.bounding_box() for target in targets]:
        assert box is not None
        assert box["height"] >= 44


def test_the_theme_is_kept_and_set_before_the_page_is_drawn(visit: Visits) -> None:
    here = visit(scheme="light")
    page = here.page
    toggle = page.locator("[data-theme-toggle]")
    expect(toggle).to_have_attribute("aria-label", "Theme: as the system")
    toggle.click()
    toggle.click()
    expect(toggle).to_have_attribute("aria-label", "Theme: dark")
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    here.goto("/apps")
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == dark
    page.locator("[data-theme-toggle]").click()
    assert page.locator("html").get_attribute("data-bs-theme") is None


def test_typing_into_the_filter_swaps_the_rows_in_place(visit: Visits) -> None:
    page = visit().page
    page.evaluate("window.kept = true")
    expect(page.locator("#results tbody tr")).to_have_count(18)
    page.get_by_label("SKU, GTIN or name").fill("banana")
    expect(page.locator("#results tbody tr")).to_have_count(3)
    expect(page.locator("#announce")).to_have_text("3 rows shown")
    assert "q=banana" in page.url
    assert page.evaluate("window.kept"), "the page was loaded again"


def test_the_filter_works_without_script(visit: Visits) -> None:
    page = visit(java_script_enabled=False).page
    page.get_by_label("SKU, GTIN or name").fill("banana")
    page.get_by_role("button", name="Filter").click()
    expect(page.locator("#results tbody tr")).to_have_count(3)


def test_the_keyboard_reaches_the_content_and_leaves_the_menu(visit: Visits) -> None:
    page = visit(width=390).page
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("navigation", name="Main, phone")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("navigation", name="Main, phone")).to_be_hidden()
    expect(page.locator(".oh-drawer > summary")).to_be_focused()


def test_a_form_is_sent_once_however_often_it_is_pressed(visit: Visits) -> None:
    page = visit().page
    sent = page.evaluate(
        """() => {
          let sent = 0;
          window.addEventListener("submit", (event) => { if (!event.defaultPrevented) sent += 1; event.preventDefault(); });
          const button = document.querySelector(".oh-post button");
          button.click();
          button.click();
          return sent;
        }"""
    )
    assert sent == 1
