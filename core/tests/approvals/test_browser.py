"""Approvals in a real browser: accessible at phone and desk width in light and dark, and worked by keyboard alone."""

import pytest
from onhand.testing.browser import WIDTHS
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


@pytest.fixture
def opened(visit):
    """`opened(person, width)`: somebody at the inbox of approvals."""

    def open_for(who, width=1280, **look):
        here = visit(who, "/approvals/", width=width, **look)
        expect(here.page.get_by_role("heading", name="Approvals", level=1)).to_be_visible()
        return here

    return open_for


@pytest.fixture
def waiting(house):
    from onhand.approvals.api import Proof

    more = {
        "location": "S1",
        "location_id": None,
        "amount_minor": -125_00,
        "currency": "EUR",
        "atp_before": 97,
        "atp_after": 57,
    }
    return [
        house.ask(
            -30 - n,
            kind="bin.empty",
            subject=f"{n}",
            reason="damage",
            evidence=(Proof("Count sheet", f"12/{n}", "/"),),
            note="Wet",
            **more,
        )
        for n in range(3)
    ]


@pytest.mark.parametrize("width", WIDTHS)
def test_a_request_is_decided_on_its_page_and_in_bulk(opened, house, waiting, width, superuser):
    superuser(f"""
        UPDATE onhand.approval SET changes = jsonb_set(changes, '{{0,label}}', to_jsonb(repeat('At once, ', 9)))
        WHERE id = '{waiting[2].id}'
    """)
    here = opened(house.manager, width)
    page = here.page
    for path in ("?tab=pending", "?tab=mine", "?tab=decided", str(waiting[0].id)):
        here.open(f"/approvals/{path}")
        if path.startswith("?"):
            expect(page.locator(".oh-tabs a[aria-current]")).to_be_in_viewport(ratio=0.9)
    page.get_by_label("Reason").fill("seen it")
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_text("Approved.")).to_be_visible()
    here.judge()
    here.goto("/approvals/")
    page.get_by_role("checkbox").first.check()
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_role("heading", name="Approved: 1 of 1")).to_be_visible()
    here.judge()


@pytest.mark.parametrize("width", WIDTHS)
def test_a_refused_reason_says_why_and_a_notice_is_seen(opened, house, person, width):
    house.decide(house.ask(20, by=house.governor2), house.manager, "return", reason="count again")
    who = person("admin", name="Ada")
    here = opened(who, width, tolerated="422")  # a refused form is told to the console, too
    here.open("/reasons/?status=retired")
    here.goto("/reasons/add-code")
    page = here.page
    page.get_by_label("Code").fill("Bad Code")
    page.get_by_label("Label").fill("Bad")
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_text("A code is small letters")).to_be_visible()
    here.judge()
    here = opened(house.governor2, width)
    page = here.open("/notices/")
    page.get_by_role("button", name="Mark all as seen").click()
    expect(page.get_by_role("button", name="Mark all as seen")).to_have_count(0)
    expect(page.get_by_role("link", name="Returned by Mona (count again)")).to_be_visible()


def test_the_inbox_is_worked_by_keyboard_alone(opened, house, waiting):
    here = opened(house.manager)
    page = here.page
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    here.judge()
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.get_by_role("checkbox").nth(1)).to_be_checked()
    page.keyboard.press("k")
    page.keyboard.press("x")
    page.keyboard.press("r")
    expect(page.get_by_label("Reason")).to_be_focused()
    page.keyboard.type("count them again")
    page.keyboard.press("Tab")
    page.keyboard.press("r")
    expect(page.get_by_role("heading", name="Returned: 2 of 2")).to_be_visible()
    page.go_back()
    page.reload()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Decide")).to_be_visible()
    page.keyboard.press("a")
    expect(page.get_by_text("Approved.")).to_be_visible()
    assert len(house.changes) == 1


def test_keys_can_be_switched_off(opened, house, waiting):
    page = opened(house.manager).page
    page.get_by_role("button", name="Keys").click()
    page.get_by_role("button", name="Keys are on").click()
    expect(page.get_by_role("button", name="Keys are off")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    expect(page.locator("[data-keys] tbody a").first).not_to_be_focused()
    page.get_by_role("button", name="Keys").click()
    page.get_by_role("button", name="Keys are off").click()
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    expect(page.locator("[data-keys] tbody a").first).to_be_focused()
