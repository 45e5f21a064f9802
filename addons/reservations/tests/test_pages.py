"""Pages as people see them: what is promised and until when, why no more may be, and only what is theirs to do."""

import re
from html import unescape

import pytest
from onhand.access.services import RoleAt
from onhand.testing.people import csrf_token, sign_in
from onhand_reservations import services


@pytest.fixture
def browser_of(app, person, shop):
    """Sign someone new in with a role in entity A, everywhere there or at a place."""

    def browse(role, location_id=None, name="Ada"):
        client = app.test_client()
        sign_in(client, person(RoleAt(role, shop.entity.id, location_id), name=name), shop.entity)
        return client

    return browse


@pytest.fixture
def manager(browser_of):
    return browser_of("store_manager")


def page(client, path, **query):
    answer = client.get(path, query_string=query or None)
    assert answer.status_code == 200, answer.text
    return unescape(re.sub(r"\s+", " ", answer.text))


def send(client, path, *, at, **form):
    return client.post(path, data=form | {"csrf_token": csrf_token(client, at)})


def address(held, verb=""):
    return f"/reservations/{held.id}" + (f"/{verb}" if verb else "")


def references(text):
    return re.findall(r'<a href="/reservations/[0-9a-f-]{36}">([^<]+)</a>', text)


@pytest.fixture
def holds(shop):
    """A hold in every state, by its reference."""
    shop.stock(20)
    shop.stock(5, store=shop.stores[1])
    made = {"held": shop.hold(2, reference="held"), "firm": shop.firm(3, reference="firm", location="A2")}
    made["late"] = shop.firm(1, reference="late")
    made["short"] = shop.hold(1, reference="short", ttl_seconds=30)
    made["done"] = shop.firm(1, reference="done")
    made["gone"] = shop.hold(1, reference="gone")
    shop.do("fulfil", made["done"])
    shop.do("release", made["gone"], event="payment_failed")
    return made


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ({}, ["short", "late", "firm", "held"]),
        ({"status": "open"}, ["short", "late", "firm", "held"]),
        ({"status": "all"}, ["gone", "done", "short", "late", "firm", "held"]),
        ({"status": "held"}, ["short", "held"]),
        ({"status": "fulfilled"}, ["done"]),
        ({"status": "nonsense"}, ["short", "late", "firm", "held"]),
        ({"q": "held"}, ["held"]),
        ({"q": "done"}, []),
        ({"location": "A2"}, ["firm"]),
        ({"location": "B1"}, []),
        ({"channel": "web-a", "status": "confirmed"}, ["late", "firm"]),
        ({"channel": "nowhere"}, []),
        ({"expiring": "60"}, ["short"]),
        ({"expiring": "3600"}, ["short", "held"]),
        ({"expiring": "999999999999999999999"}, ["short", "late", "firm", "held"]),
        ({"q": "a\x00"}, []),
    ],
)
def test_the_list_shows_what_is_asked_for(manager, holds, query, shown):
    assert references(page(manager, "/reservations/", **query)) == shown


def test_the_list_says_how_many_units_are_open_and_where(manager, shop, holds):
    shop.do("fulfil", holds["firm"], [(1, 1)])
    text = page(manager, "/reservations/", q="firm")
    assert f'href="/reservations/{holds["firm"].id}">2</a>' in text
    assert "<code>A2</code>" in text
    assert "confirmed" in text


def test_overdue_holds_are_marked_and_found(manager, shop, holds, superuser):
    superuser("UPDATE reservations.hold SET confirmed_at = now() - interval '2 days' WHERE reference = 'late'")
    shop.run(lambda s, now: services.tell_overdue(s, [shop.entity.id], now=now))
    assert references(page(manager, "/reservations/", status="overdue")) == ["late"]
    assert "overdue" in page(manager, "/reservations/", q="late")
    text = page(manager, address(holds["late"]))
    assert "Overdue." in text
    assert "nobody had handed it over in time" in text
    home = page(manager, "/")
    assert 'href="/reservations/?status=overdue"' in home
    assert "1 overdue" in home


def test_the_list_is_paged(manager, shop):
    shop.stock(60)
    shop.ask(*[shop.wish({shop.sku: 1}, reference=f"o{number:02}") for number in range(55)])
    first = page(manager, "/reservations/")
    assert references(first)[0] == "o54"
    assert len(references(first)) == 50
    second = re.search(r'rel="next" href="([^"]+)"', first)[1]
    assert references(page(manager, second)) == ["o04", "o03", "o02", "o01", "o00"]


def test_a_list_page_costs_the_same_whatever_it_shows(manager, shop, statements):
    shop.stock(60)
    page(manager, "/reservations/")
    counts = set()
    for _ in range(2):
        shop.ask(*[shop.wish({shop.sku: 1}) for _ in range(20)])
        with statements() as seen:
            page(manager, "/reservations/")
        counts.add(len(seen))
    assert len(counts) == 1, counts


def test_a_hold_shows_its_lines_its_life_and_the_entries_it_made(manager, shop, books_agree):
    a, b = shop.items[:2]
    shop.stock(9, a)
    shop.stock(9, b)
    held = shop.firm({a.sku: 3, b.sku: 2}, reference="web-1")
    shop.do("release", held, [(2, 1)], event="payment_failed")
    shop.tell("shipment", {a.sku: 2}, order="web-1")
    text = page(manager, address(held))
    assert "Order web-1" in text
    for fact in ("Held", "Confirmed", "Let go 1 unit: payment failed", "Handed over 2 units"):
        assert fact in text
    assert f'href="/stock/items/{a.sku}?location=A1&state=reserved#history">1</a>' in text
    entries = re.findall(r'href="(/stock/entries/[^"]+)"', text)
    assert len(set(entries)) == 4
    assert {manager.get(one).status_code for one in entries} == {200}
    books_agree()


def test_what_ran_out_says_so_before_the_sweep_and_after_it(manager, shop, superuser):
    shop.stock(2)
    held = shop.hold(2, reference="web-1")
    superuser("UPDATE reservations.hold SET expires_at = now() - interval '1 second'")
    text = page(manager, address(held))
    assert "It has run out." in text
    assert "Hold again" in text
    assert "Confirm</button>" not in text
    shop.sweep()
    text = page(manager, address(held))
    assert "Ran out: 2 units let go" in text


def test_a_manager_confirms_extends_and_releases(manager, shop, superuser, books_agree):
    shop.stock(2)
    held = shop.hold(2, ttl_seconds=60)
    answer = send(manager, address(held, "extend"), at=address(held), minutes="30")
    assert (answer.status_code, answer.location) == (303, address(held))
    assert (shop.show(held).expires_at - held.expires_at).total_seconds() > 1_500
    send(manager, address(held, "confirm"), at=address(held))
    assert shop.show(held).status == "confirmed"
    assert "Confirmed." in page(manager, address(held))
    send(manager, address(held, "release"), at=address(held), event="payment_failed")
    assert superuser("SELECT status, release_event FROM reservations.hold") == [("released", "payment_failed")]
    [[actor]] = superuser("SELECT DISTINCT actor FROM stock.movement WHERE kind = 'release'")
    assert actor.startswith("user:")
    assert "by Ada" in page(manager, address(held))
    send(manager, address(held, "release"), at="/", event="cancel")
    assert "Not done: the hold is released" in page(manager, address(held))
    books_agree()


def test_what_ran_out_is_held_again_under_a_new_hold(manager, shop, books_agree):
    shop.stock(1)
    held = shop.hold(1, ttl_seconds=1, reference="web-1")
    shop.pass_time(seconds=1)
    shop.sweep()
    answer = send(manager, address(held, "extend"), at=address(held), minutes="10")
    assert answer.location != address(held)
    assert f'href="{address(held)}"' in page(manager, answer.location)
    text = page(manager, address(held))
    assert f'href="{answer.location}"' in text
    assert "Hold again" not in text
    books_agree()


def test_what_ran_out_and_is_gone_is_refused_with_the_numbers(manager, shop):
    shop.stock(1)
    held = shop.hold(1, ttl_seconds=1)
    shop.pass_time(seconds=1)
    shop.sweep()
    shop.hold(1)
    send(manager, address(held, "extend"), at=address(held), minutes="10")
    assert f"there are only 0 of 1 {shop.sku}" in page(manager, address(held))


@pytest.mark.parametrize("minutes", ["0", "-5", "99999", "", "x", "9" * 40])
def test_odd_minutes_are_no_error(manager, shop, minutes):
    shop.stock(1)
    held = shop.hold(1)
    assert send(manager, address(held, "extend"), at=address(held), minutes=minutes).status_code == 303


def test_an_auditor_looks_and_finds_nothing_to_do(browser_of, shop, holds):
    auditor = browser_of("auditor")
    text = page(auditor, address(holds["held"]))
    assert "/confirm" not in text
    assert "/release" not in text
    for verb in ("confirm", "extend", "release"):
        assert send(auditor, address(holds["held"], verb), at="/").status_code == 403
    assert shop.show(holds["held"]).status == "held"


def test_someone_at_one_store_sees_and_touches_what_lies_there(browser_of, shop, holds):
    grace = browser_of("store_manager", shop.stores[1].id, name="Grace")
    assert references(page(grace, "/reservations/", status="all")) == ["firm"]
    assert grace.get(address(holds["held"])).status_code == 404
    assert send(grace, address(holds["held"], "release"), at="/").status_code == 404
    assert "Release</button>" in page(grace, address(holds["firm"]))
    assert ">1</" in page(grace, "/").partition("Open holds")[2] or "Open holds" in page(grace, "/")
    text = page(grace, "/reservations/availability", sku=shop.sku)
    assert "Location A2" in text
    assert "Location A1" not in text


def test_who_holds_only_a_part_of_a_hold_may_not_change_it(browser_of, shop):
    a, b = shop.items[:2]
    shop.stock(1, a)
    shop.stock(1, b, shop.stores[1])
    held = shop.hold({a.sku: 1, b.sku: 1})
    grace = browser_of("store_manager", shop.stores[1].id, name="Grace")
    assert "Release</button>" not in page(grace, address(held))
    assert send(grace, address(held, "release"), at="/").status_code == 404
    assert shop.show(held).status == "held"


def test_another_entitys_hold_is_not_there(manager, other_shop):
    other_shop.stock(1)
    theirs = other_shop.hold()
    assert manager.get(address(theirs)).status_code == 404
    assert send(manager, address(theirs, "confirm"), at="/").status_code == 404
    assert references(page(manager, "/reservations/", status="all")) == []


def test_availability_says_what_is_kept_back_and_what_may_be_promised(manager, shop):
    shop.set_policy("buffer", 2, location_id=shop.store.id)
    shop.stock(7)
    shop.stock(1, store=shop.stores[1])
    shop.hold(1, location="A1")
    text = page(manager, "/reservations/availability", sku=f"{shop.sku}, nope")
    assert f"{shop.sku}: 5 may be promised" in text
    row = text.partition("Location A1")[2].partition("</tr>")[0]
    assert re.findall(r"oh-qty[^>]*>(\d+)<", row) == ["6", "2", "4", "1"]
    assert "nope: not stocked here" in text


def test_availability_asks_for_an_item_first(manager, shop):
    assert "Name an item" in page(manager, "/reservations/availability")
    assert "No such channel" in page(manager, "/reservations/availability", sku=shop.sku, channel="nope")


def test_what_a_program_wrote_is_shown_and_never_run(manager, shop):
    shop.stock(1)
    held = shop.hold(1, reference="<script>alert(1)</script>")
    for path in ("/reservations/", address(held)):
        assert "<script>alert" not in manager.get(path).text
