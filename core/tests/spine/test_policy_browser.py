"""A policy from the list to its rollback in a real browser: accessible, at phone and desk width, in light and dark, by keyboard."""

import pytest
from onhand.access.services import RoleAt
from onhand.policies.book import Where
from onhand.policies.services import PolicyChange, set_policies
from onhand.testing import TESTER
from onhand.testing.browser import WIDTHS
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("width", WIDTHS)
def test_a_policy_from_the_list_to_its_rollback(visit, transact, person, entities, superuser, width):
    place = Where(entity_id=entities[0].id)
    changes = [PolicyChange("lamp.watts", 60), PolicyChange("lamp.watts", 65, place)]
    transact(lambda session, now: set_policies(session, changes, by=TESTER, now=now) and None)
    here = visit(person(RoleAt("governance", entities[0].id)), "/policies/", width=width)
    page = here.page
    expect(page.get_by_role("heading", name="Policies", level=1)).to_be_visible()
    here.judge()
    page.get_by_label("Name or meaning").fill("watts")
    expect(page.locator("#results tbody tr")).to_have_count(1)
    page.get_by_role("link", name="Watts").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Watts", level=1)).to_be_visible()
    here.judge()
    page.get_by_role("link", name="Set a value").click()
    page.get_by_role("textbox", name="Value (W)").fill("bright")
    page.get_by_role("textbox", name="Value (W)").press("Enter")
    expect(page.get_by_text("lamp.watts takes a whole number")).to_be_visible()
    here.judge()
    page.get_by_role("textbox", name="Value (W)").fill("75")
    page.get_by_role("textbox", name="Why").fill("brighter")
    page.get_by_role("button", name="Show what changes").click()
    expect(page.get_by_role("heading", name="What changes")).to_be_visible()
    here.judge()
    assert superuser("SELECT count(*) FROM onhand.policy_version") == [(2,)]
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved as version")).to_be_visible()
    here.judge()
    page.get_by_role("button", name="Roll back to").first.click()
    expect(page.get_by_text("Saved as version")).to_be_visible()
    assert superuser("SELECT value FROM onhand.policy_version ORDER BY id") == [(60,), (65,), (75,), (65,)]
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Saved as version")).to_be_visible()
    assert superuser("SELECT value FROM onhand.policy_version ORDER BY id DESC LIMIT 1") == [(75,)]
    here.goto("/policies/profiles/luxury")
    page.get_by_role("button", name="Apply to Entity A").click()
    expect(page.get_by_text("Luxury: 1 policies are set.")).to_be_visible()
