"""The inbox and one exception in a real browser: accessible, at phone and desk width, in light and dark."""

import re

import pytest
from onhand.db import cursor
from onhand.testing.browser import WIDTHS
from onhand_exceptions import services
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


@pytest.fixture
def inbox(transact, world, cause, person):
    """Five exceptions, one with two kinds; the answer is who may work on them."""
    causes = [cause(f"k{n}", minute=n, quantity=n + 1, document=f"D-{n}", href="/") for n in range(5)]
    world["leak"] = {one.key: one for one in causes}
    world["noise"] = {causes[0].key: causes[0]}
    transact(lambda session, now: services.record(session, causes, "leak", now=now))
    transact(lambda session, now: services.record(session, causes[:1], "noise", now=now))
    return person("governance")


def ask(transact, sql):
    return transact(lambda session, now: cursor(session).execute(sql).fetchall())


OPEN = "SELECT count(*) FROM exceptions.exception WHERE status = 'open'"


def test_triage_on_a_phone_from_the_list_to_resolved(visit, inbox, transact):
    here = visit(inbox, "/exceptions/", width=390, scheme="dark")
    page = here.page
    expect(page.get_by_role("heading", name="Exceptions", level=1)).to_be_visible()
    here.judge()
    page.get_by_label("Filter", exact=True).fill("kind:noise")
    page.get_by_role("button", name="Filter").click()
    expect(page.locator("#work tbody tr")).to_have_count(1)
    page.locator("#work tbody a").first.click()
    here.judge()
    page.get_by_label("Owner").select_option(str(inbox.id))
    page.get_by_role("button", name="Assign").click()
    expect(page.locator("#outcome")).to_contain_text("assigned.")
    page.get_by_label("Because").fill("found behind the shelf")
    page.get_by_role("button", name="Resolve").click()
    expect(page.get_by_text("found behind the shelf").first).to_be_visible()
    here.judge()
    sql = "SELECT reason FROM exceptions.exception WHERE status = 'resolved'"
    assert ask(transact, sql) == [("found behind the shelf",)]


def test_triage_beside_the_list_goes_on_to_the_next_without_leaving_the_page(visit, inbox, transact):
    here = visit(inbox, "/exceptions/", width=1400)
    page = here.page
    here.judge()
    panel = page.locator("#panel")
    page.locator("#work tbody a").first.click()
    expect(panel.get_by_role("heading", level=1)).to_have_text(re.compile("1 missing"))
    here.judge()
    for left in range(4, 0, -1):
        before = panel.get_by_role("heading", level=1).inner_text()
        panel.get_by_label("Because").fill("counted")
        panel.get_by_role("button", name="Resolve").click()
        expect(page.locator("#work tbody tr")).to_have_count(left)
        expect(panel.get_by_role("heading", level=1)).not_to_have_text(before)
        expect(panel.get_by_role("heading", level=1)).to_be_in_viewport()
    panel.get_by_label("Because").fill("counted")
    panel.get_by_role("button", name="Resolve").click()
    expect(page.get_by_text("Nothing waits for review")).to_be_visible()
    expect(panel).to_be_hidden()
    assert page.url.partition("?")[0].endswith("/exceptions/")
    assert ask(transact, OPEN) == [(0,)]
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#work tbody tr")).to_have_count(1)
    here.judge()


def test_triage_by_keyboard_alone(visit, inbox, transact):
    here = visit(inbox, "/exceptions/", width=1400)
    page = here.page
    rows = page.locator("#work tbody tr")
    keys = page.keyboard
    keys.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    here.judge()
    keys.press("Escape")
    keys.press("Shift+X")
    expect(page.get_by_text("5 selected")).to_be_visible()
    keys.press("Shift+X")
    keys.press("j")
    keys.press("x")
    keys.press("j")
    keys.press("x")
    expect(page.get_by_text("2 selected")).to_be_visible()
    keys.press("s")
    expect(page.locator("#b-until")).to_be_focused()
    here.judge()
    keys.press("Control+Enter")
    expect(rows).to_have_count(3)
    expect(page.locator("#outcome")).to_contain_text("2 snoozed")
    keys.press("a")
    expect(page.locator("#b-owner")).to_be_focused()
    keys.press("Control+Enter")
    expect(rows).to_have_count(2)
    keys.press("e")
    expect(page.locator("#b-reason")).to_be_focused()
    keys.press("Control+Enter")
    expect(page.locator("#b-reason:invalid")).to_be_focused()
    expect(page.get_by_text("1 selected")).to_be_visible()
    keys.type("counted again")
    keys.press("Control+Enter")
    expect(rows).to_have_count(1)
    keys.press("u")
    expect(rows).to_have_count(2)
    keys.press("Enter")
    expect(page.locator("#panel").get_by_role("heading", level=1)).to_be_visible()
    keys.press("e")
    expect(page.locator("#d-reason")).to_be_focused()
    keys.type("dealt with")
    keys.press("Control+Enter")
    expect(rows).to_have_count(1)
    keys.press("Escape")
    expect(page.locator("#panel")).to_be_hidden()
    sql = "SELECT state, snooze IS NOT NULL, count(*) FROM exceptions.exception GROUP BY 1, 2 ORDER BY 1, 2"
    assert ask(transact, sql) == [
        ("new", False, 1),
        ("ongoing", False, 1),
        ("ongoing", True, 2),
        ("resolved", False, 1),
    ]


def test_the_keys_can_be_switched_off(visit, inbox):
    here = visit(inbox, "/exceptions/", width=1400)
    page = here.page
    page.get_by_role("button", name="Keys", exact=True).click()
    page.get_by_role("button", name="Keys are on").click()
    page.get_by_role("button", name="Close").click()
    page.keyboard.press("x")
    page.reload()
    page.keyboard.press("x")
    expect(page.get_by_text("None selected")).to_be_visible()
    here.goto("/approvals/")
    page.get_by_role("button", name="Keys").click()
    expect(page.get_by_role("button", name="Keys are off")).to_be_visible()


def test_a_key_leads_to_an_act_and_does_not_do_it(visit, inbox, transact):
    here = visit(inbox, "/exceptions/", width=1400)
    page = here.page
    page.keyboard.press("s")
    expect(page.locator("#b-until")).to_be_focused()
    page.keyboard.press("Control+Enter")
    expect(page.locator("#work tbody tr")).to_have_count(4)
    here.goto("/exceptions/?tab=snoozed")
    page.locator("#work tbody a").first.click()
    expect(page.locator("#panel").get_by_role("heading", level=1)).to_be_visible()
    page.keyboard.press("s")
    expect(page.locator("#panel button[data-desk-key=s]")).to_be_focused()
    expect(page.locator(".htmx-request")).to_have_count(0)
    assert ask(transact, "SELECT count(*) FROM exceptions.exception WHERE snooze IS NOT NULL") == [(1,)]


@pytest.mark.parametrize("width", WIDTHS)
def test_an_empty_inbox_is_a_page_like_any(visit, person, width):
    here = visit(person("governance"), "/exceptions/", width=width)
    page = here.page
    expect(page.get_by_text("Nothing waits for review")).to_be_visible()
    for menu in ("Views", "How to filter"):
        page.locator("summary", has_text=menu).click()
        here.judge()
        page.keyboard.press("Escape")


@pytest.mark.parametrize("width", WIDTHS)
def test_the_rules_of_ownership_are_set_and_tried(visit, person, width):
    here = visit(person("governance"), "/exceptions/owners", width=width)
    page = here.page
    page.get_by_label("One rule per line").fill("kind:noise role:auditor")
    page.get_by_role("button", name="Save rules").click()
    expect(page.get_by_text("1 rule in force")).to_be_visible()
    page.get_by_label("Kind").select_option("noise")
    page.get_by_role("button", name="Ask").click()
    expect(page.get_by_text("It would belong to")).to_be_visible()
    here.judge()


@pytest.mark.parametrize("width", WIDTHS)
def test_the_board_leads_to_a_location_and_from_there_to_one_exception(visit, inbox, width):
    here = visit(inbox, "/exceptions/board", width=width)
    page = here.page
    here.judge()
    page.locator("#locations a", has_text="S7").first.click()
    expect(page.get_by_role("heading", name="Exceptions board: S7", level=1)).to_be_visible()
    page.get_by_text("The numbers", exact=True).click()
    here.judge()
    page.get_by_role("link", name="Work the list").click()
    expect(page.locator("#work tbody tr")).to_have_count(5)


@pytest.mark.parametrize("width", WIDTHS)
def test_a_digest_is_begun_and_read_before_it_is_sent(visit, inbox, width):
    here = visit(inbox, "/exceptions/digests", width=width)
    page = here.page
    page.get_by_label("Name").fill("Leaks")
    page.get_by_label("Address").fill("leaks@example.org")
    page.get_by_role("button", name="Begin").click()
    expect(page.get_by_role("heading", name="What Leaks would say now")).to_be_visible()
    expect(page.get_by_text("5 open, 0 past their service level")).to_be_visible()
    here.judge()


@pytest.mark.parametrize("width", WIDTHS)
def test_a_webhook_that_fails_says_so_and_shows_its_secret(visit, inbox, entities, transact, width):
    wish = services.NewDigest("Leaks", "kind:leak", "webhook", "https://hooks.example.org/onhand", "daily", 0)

    def fail(session, now):
        made = services.make_digest(session, entities[0].id, wish, by=inbox.actor, user_id=inbox.id, now=now)
        [call] = services.call_due(session, entities[0].id, site_url="", now=now)
        services.note_answer(session, call, "it answered 503", attempts_max=1, now=now)
        return made

    here = visit(inbox, f"/exceptions/digests?show={transact(fail)}", width=width)
    page = here.page
    expect(page.get_by_text("given up after 1 try")).to_be_visible()
    here.judge()
    page.get_by_role("button", name="Show the secret").click()
    expect(page.get_by_text("whsec_")).to_be_visible()
    here.judge()
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_text("It is tried again.")).to_be_visible()
