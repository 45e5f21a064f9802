"""Pages: what people see of channels, and what they can do about what is parked."""

import html
import re
from datetime import UTC, datetime, timedelta

import pytest
from onhand.access.services import RoleAt
from onhand.testing.people import csrf_token, sign_in
from onhand_channels.testing import make_channel
from onhand_master_data.testing import make_item, make_location


def text_of(answer):
    assert answer.status_code == 200, answer.text
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text))


def press(browser, path, **form):
    """Send a form of one button; return the page it leads to."""
    answer = browser.post(path, data={**form, "csrf_token": csrf_token(browser, "/channels/")})
    assert answer.status_code == 303, answer.text
    return browser.get(answer.location)


def test_the_list_shows_what_each_channel_told_and_how_late(admin, shop, transact, entities):
    transact(lambda session, now: make_channel(session, now, entities[1].id, code="b-till"))
    late = datetime.now(UTC) - timedelta(minutes=20)
    shop.tell(shop.event("sale", {"TEA": 1}, time=late), shop.event("sale", {"NEW": 1}))
    shop.tell(*(shop.event("sale", {"TEA": n}, id="x") for n in (1, 2)))
    page = admin.get("/channels/")
    shown = text_of(page)
    assert "b-till" not in shown
    assert re.search(r"till-1 Channel till-1 Point of sale Live S1 3 1 1 20 min, late of 5 min", shown), shown
    assert 'href="/channels/till-1/events?outcome=parked"' in page.text
    assert "till-1" in text_of(admin.get("/channels/?q=TILL&kind=pos"))
    assert "No channel" in text_of(admin.get("/channels/?q=%00%25"))


def test_the_home_page_tells_how_many_are_parked(admin, shop):
    assert "Parked events 0" in text_of(admin.get("/"))
    shop.tell(shop.event("sale", {"NEW": 1}))
    assert "Parked events 1 none in conflict" in text_of(admin.get("/"))


def test_a_channel_shows_why_events_are_parked_and_replays_them(admin, shop, transact):
    shop.tell(*(shop.event("sale", {"NEW": 1}) for _ in range(3)), shop.event("sale", {"TEA": 1}, location="S9"))
    page = admin.get("/channels/till-1")
    assert "Unknown item Enter the item, or activate it, then replay. 3" in text_of(page)
    assert "Unknown location" in page.text
    transact(lambda session, now: make_item(session, now, shop.entity.id, sku="NEW"))
    shown = text_of(press(admin, "/channels/till-1/replay"))
    assert "3 posted, 1 still parked." in shown
    assert "Unknown item" not in shown
    transact(lambda session, now: make_location(session, now, shop.entity.id, code="S9"))
    assert "1 posted." in text_of(press(admin, "/channels/till-1/replay"))
    assert "Nothing was parked." in text_of(press(admin, "/channels/till-1/replay"))


@pytest.mark.parametrize("event_id", ["s-1", "../<b>/?x=1&y#z", "/"])
def test_an_event_shows_what_it_said_what_is_wrong_and_replays(admin, shop, transact, event_id):
    shop.tell(shop.event("sale", {"NEW": 2}, id=event_id))
    link = re.search(r'href="(/channels/till-1/event\?id=[^"]+)"', admin.get("/channels/till-1").text)
    page = admin.get(html.unescape(link[1]))
    assert html.escape(event_id) in page.text
    shown = text_of(page)
    assert "Unknown item. there is no active item &#39;NEW&#39;" in shown
    assert "Enter the item, or activate it, then replay." in shown
    assert "&#34;sku&#34;: &#34;NEW&#34;" in page.text
    assert "<b>" not in page.text
    transact(lambda session, now: make_item(session, now, shop.entity.id, sku="NEW"))
    after = text_of(press(admin, "/channels/till-1/replay", id=event_id))
    assert "1 posted." in after
    assert re.search(r"Sale NEW 2 S1 shortage then 2 customer", after), after
    entry = re.search(r'href="(/stock/entries/[^"]+)"', admin.get(html.unescape(link[1])).text)
    assert "event:till-1/" in text_of(admin.get(entry[1]))


def test_a_conflict_is_compared_and_settled(admin, shop):
    shop.tell(*(shop.event("sale", {"TEA": n}, id="s-1") for n in (1, 2)))
    assert "Conflicts The same id came again with another body." in text_of(admin.get("/channels/till-1"))
    page = admin.get("/channels/till-1/event?id=s-1")
    assert "Another body under the same id" in page.text
    assert "Not settled: say what was found." in text_of(press(admin, "/channels/till-1/settle", id="s-1", note=" "))
    shown = text_of(press(admin, "/channels/till-1/settle", id="s-1", note="two <tills>"))
    assert "Settled." in shown
    assert "By Ada" in shown
    assert "two &lt;tills&gt;" in shown
    assert "The same id came again" not in text_of(admin.get("/channels/till-1"))


def test_the_events_of_a_channel_are_listed_and_narrowed(admin, shop):
    shop.tell(
        *(shop.event("sale", {"TEA": 1}, id=f"s-{n:03}") for n in range(60)), shop.event("sale", {"NEW": 1}, id="p-1")
    )
    page = admin.get("/channels/till-1/events?outcome=posted")
    assert "p-1" not in page.text
    following = re.search(r'rel="next" href="([^"]+)"', page.text)[1].replace("&amp;", "&")
    seen = re.findall(r">(s-\d+)<", page.text) + re.findall(r">(s-\d+)<", admin.get(following).text)
    assert sorted(seen) == [f"s-{n:03}" for n in range(60)]
    assert "p-1" in text_of(admin.get("/channels/till-1/events?reason=unknown_item"))
    assert "s-007" in text_of(admin.get("/channels/till-1/events?q=s-007"))
    assert "No event matches" in text_of(admin.get("/channels/till-1/events?type=%00x"))


def test_what_is_not_there_is_not_found(admin, shop):
    for path in ("none", "none/events", "none/event?id=x", "till-1/event?id=x", "till-1/event", "till-1/event?id=%00"):
        assert admin.get(f"/channels/{path}").status_code == 404, path


def test_an_auditor_sees_and_changes_nothing(client, login, shop):
    login(client, "auditor", shop.entity)
    shop.tell(shop.event("sale", {"NEW": 1}, id="s-1"), *(shop.event("sale", {"TEA": n}, id="x") for n in (1, 2)))
    for path in ("", "till-1", "till-1/event?id=s-1", "till-1/event?id=x"):
        page = client.get(f"/channels/{path}")
        assert page.status_code == 200
        assert "<form" not in re.sub(
            r"<form[^>]*(/logout|/entity|oh-filters).*?</form>", "", page.text, flags=re.DOTALL
        ), path
    for path in ("replay", "settle", "life"):
        data = {"csrf_token": csrf_token(client, "/channels/")}
        assert client.post(f"/channels/till-1/{path}", data=data).status_code == 403


def test_who_looks_after_one_store_sees_the_channels_that_sell_from_it(app, client, person, shop, transact):
    def make(session, now):
        other = make_location(session, now, shop.entity.id, code="S2")
        make_channel(session, now, shop.entity.id, other.id, code="till-2")
        make_channel(session, now, shop.entity.id, other.id, shop.location.id, code="web-1", kind="ecommerce")

    transact(make)
    sign_in(client, person(RoleAt("store_manager", shop.entity.id, shop.location.id)), shop.entity)
    shown = text_of(client.get("/channels/"))
    assert re.findall(r"(?:till|web)-\d(?= Channel)", shown) == ["till-1", "web-1"]
    assert client.get("/channels/till-2").status_code == 404
    assert "Parked events" not in text_of(client.get("/"))
