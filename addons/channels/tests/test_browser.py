"""A channel from its proposal to live and out again in a real browser: accessible, at phone and desk width."""

import pytest
from onhand.access.services import RoleAt
from onhand.policies.book import Where
from onhand.policies.services import set_policy
from onhand.testing.browser import WIDTHS
from onhand_channels.testing import TESTER, deliver, event, name_onhand
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


@pytest.fixture
def tested(transact, shop):
    """Let the channel tell its test events, and set what its checklist asks for."""

    def tell():
        def command(session, now):
            from onhand_channels.api import channels_by_code

            [channel] = channels_by_code(session, ["web-9"])
            where = Where(channel_id=channel.id, entity_id=channel.entity_id)
            set_policy(session, "channels.latency_seconds_max", 60, where, by=TESTER, now=now)
            set_policy(session, "channels.degradation_plan", "raise_buffer", where, by=TESTER, now=now)
            name_onhand(session, channel.entity_id, now)
            deliver(session, now, channel, event(channel, "sale", {"NEW": 1}, location="S1"))
            return channel

        channel = transact(command)
        told = [event(channel, "sale", {"TEA": 15}, location="S1") for _ in range(10)]
        transact(lambda session, now: deliver(session, now, channel, *told))

    return tell


@pytest.mark.parametrize("width", WIDTHS)
def test_a_channel_from_its_proposal_to_live_and_out_again(visit, shop, person, tested, width, superuser):
    here = visit(person(RoleAt("governance", shop.entity.id)), "/channels/", width=width)
    page = here.page
    page.get_by_role("link", name="Propose a channel").click()
    page.get_by_label("Code").fill("web-9")
    page.get_by_label("Name").fill("Outlet")
    page.get_by_label("Locations").fill("S1")
    here.judge("channels-edit")
    page.get_by_role("button", name="Propose").click()
    expect(page.get_by_text("Proposed. It is in shadow until it is live")).to_be_visible()
    here.judge("channels-life-proposed")
    page.get_by_role("button", name="Assess").click()
    expect(page.get_by_text("It stays as it is: not fulfilled yet")).to_be_visible()
    tested()
    page.get_by_role("button", name="Assess").click()
    expect(page.get_by_text("It is assessed now.")).to_be_visible()
    page.get_by_role("link", name="Shadow report").click()
    expect(page.get_by_role("heading", name="What it would have posted")).to_be_visible()
    here.judge("channels-shadow")
    here.goto("/channels/web-9/life")
    page.get_by_role("button", name="Approve").click()
    page.get_by_role("button", name="Go live").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("It is live now.")).to_be_visible()
    here.judge("channels-life-live")
    here.goto("/channels/web-9/health")
    page.get_by_label("Mode").select_option("stop_holds")
    page.get_by_label("Why").fill("Slow network")
    page.get_by_role("button", name="Choose").click()
    expect(page.get_by_text("Chosen: No new holds")).to_be_visible()
    here.judge("channels-health")
    shop.tell(shop.event("stock_report", [{"sku": "TEA", "quantity": 98}, {"sku": "COFFEE", "quantity": 0}]))
    here.open("/channels/till-1/reports")
    page.get_by_role("button", name="Acknowledge TEA").click()
    expect(page.get_by_text("TEA at S1: correction acknowledged.")).to_be_visible()
    here.goto("/channels/web-9/life")
    page.get_by_role("form", name="Suspend").get_by_label("Why").fill("Fraud")
    page.get_by_role("button", name="Suspend").click()
    expect(page.get_by_text("It is suspended now.")).to_be_visible()
    assert superuser("SELECT count(*) FROM stock.movement WHERE source = 'web-9'") == [(0,)]
