"""Where exceptions are installed, what goes wrong with promises opens one exception each, and closes it by itself."""

import pytest
from onhand.testing.distribution import with_requirements
from onhand.testing.people import csrf_token, sign_in
from onhand_channels.testing import deliver, event
from onhand_reservations import services

exceptions = pytest.importorskip("onhand_exceptions.services", reason="the inbox is not installed")


@pytest.fixture(scope="module")
def addons():
    """Reservations and the inbox, neither of which knows the other."""
    return with_requirements({"reservations", "exceptions"})


@pytest.fixture
def inbox(shop, transact, drain, superuser):
    """`inbox()`: hand over what was told, ask what is still true, and return (kind, status, count) of each exception."""

    def look():
        drain()
        transact(lambda s, now: exceptions.recheck(s, shop.entity.id, None, now=now + shop.later) and None)
        return superuser("SELECT kind, status, count::int FROM exceptions.exception ORDER BY opened_at")

    return look


def test_a_refusal_is_open_until_what_was_asked_for_is_there(shop, inbox):
    shop.stock(1)
    shop.try_hold({shop.sku: 2}, location="A1")
    shop.try_hold({shop.sku: 2}, location="A1")
    assert inbox() == [("reservation_refused", "open", 2)]
    shop.stock(1)
    assert inbox() == [("reservation_refused", "resolved", 2)]


@pytest.mark.parametrize("end", ["fulfil", "release"])
def test_an_overdue_hold_is_told_once_and_closed_when_it_ends(shop, inbox, end):
    shop.stock(1)
    held = shop.firm()
    shop.pass_time(days=2)
    for _ in range(2):
        shop.run(lambda s, now: services.tell_overdue(s, [shop.entity.id], now=now))
    assert inbox() == [("hold_overdue", "open", 1)]
    shop.do(end, held)
    assert inbox() == [("hold_overdue", "resolved", 1)]


@pytest.fixture
def page_of(app, person, shop, superuser):
    """`page_of()`: the client of someone who may do all of it, and the page of the one exception."""
    client = app.test_client()
    sign_in(client, person("admin"), shop.entity)

    def look():
        [(id_,)] = superuser("SELECT id FROM exceptions.exception")
        return client, client.get(f"/exceptions/{id_}").text

    return look


def test_an_overdue_hold_can_be_released_from_its_exception(shop, inbox, page_of):
    shop.stock(1)
    held = shop.firm()
    shop.pass_time(days=2)
    shop.run(lambda s, now: services.tell_overdue(s, [shop.entity.id], now=now))
    inbox()
    client, page = page_of()
    assert f'action="/reservations/{held.id}/release"' in page
    form = {"event": "stock_missing", "csrf_token": csrf_token(client, "/")}
    assert client.post(f"/reservations/{held.id}/release", data=form).status_code == 303
    assert inbox() == [("hold_overdue", "resolved", 1)]


def test_holds_whose_units_are_missing_can_be_released_from_the_shortage(shop, inbox, page_of):
    shop.stock(1)
    held = shop.firm()
    sale = event(shop.channel, "sale", {shop.sku: 2}, location=shop.store.code)
    shop.run(lambda s, now: deliver(s, now, shop.channel, sale))
    assert inbox() == [("shortage", "open", 1)]
    _, page = page_of()
    assert f'action="/reservations/{held.id}/release"' in page
    assert f"Release hold {held.reference}" in page
