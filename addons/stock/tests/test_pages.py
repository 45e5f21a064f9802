"""Pages as people see them: every number leads to its entries, every entry says why, and what is not theirs is not there."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from onhand.access.services import RoleAt
from onhand.testing.people import csrf_token, sign_in
from onhand_master_data.testing import make_location
from onhand_stock.naming import movement_name
from onhand_stock.testing import differences

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


@pytest.fixture
def browser_of(app, person, shop):
    """Sign someone new in with a role in entity A, everywhere there or at a place."""

    def browse(role, location_id=None):
        client = app.test_client()
        sign_in(client, person(RoleAt(role, shop.entity.id, location_id)), shop.entity)
        return client

    return browse


@pytest.fixture
def clerk(browser_of):
    """A browser with someone who may adjust."""
    return browser_of("store_manager")


def page(client, path, **query):
    answer = client.get(path, query_string=query or None)
    assert answer.status_code == 200, answer.text
    return re.sub(r"\s+", " ", answer.text)


def name_of(entry):
    return movement_name(entry.recorded_at, entry.id)


def test_an_empty_book_says_so(clerk):
    assert "Nothing has moved yet" in page(clerk, "/stock/")
    assert "Not verified yet" in page(clerk, "/stock/verification")


def test_the_inquiry_has_a_row_of_states_and_every_number_leads_to_its_entries(clerk, shop):
    shop.receive(1_234)
    shop.take_back(2)
    text = page(clerk, "/stock/")
    base = f"/stock/items/{shop.item.sku}?location=S1"
    assert f'<a class="oh-qty" href="{base}#history">1 236</a>' in text
    assert f'href="{base}&amp;state=available#history">1 234</a>' in text
    assert f'href="{base}&amp;state=customer_returned#history">2</a>' in text
    assert "In transit" not in text.partition("<table")[2]


@pytest.mark.parametrize(("query", "shown"), [
    ({"q": "{first}"}, [0]),
    ({"q": "Item"}, [0, 1]),
    ({"q": "no such thing"}, []),
    ({"state": "shortage"}, [1]),
    ({"location": "S1"}, [0, 1]),
    ({"location": "S1", "state": "picked"}, []),
])  # fmt: skip
def test_the_inquiry_is_narrowed(clerk, shop, query, shown):
    shop.receive(5, shop.items[0])
    shop.sell(5, shop.items[1])
    text = page(clerk, "/stock/", **{name: value.format(first=shop.item.sku) for name, value in query.items()})
    rows = text.partition("<tbody")[2]
    assert [n for n in (0, 1) if shop.items[n].sku in rows] == shown
    assert shown or "No stock matches" in text


def test_an_items_page_tells_states_history_and_who_did_it(clerk, shop):
    shop.receive(5, document="delivery:7")
    shop.sell(2, document="till:1/9")
    text = page(clerk, f"/stock/items/{shop.item.sku}")
    sale, receipt = shop.entries()
    assert f'href="/stock/entries/{name_of(sale)}">Sale</a>' in text
    assert f'href="/stock/entries/{name_of(sale)}">\u22122</a>' in text
    assert f'href="/stock/entries/{name_of(sale)}">3</a>' in text
    assert f'href="/stock/entries/{name_of(receipt)}">+5</a>' in text
    assert "delivery:7" in text
    assert "till:1/9" in text
    assert "system:test" in text
    assert text.index("till:1/9") < text.index("delivery:7")


def test_an_items_page_sums_its_locations(clerk, shop, transact):
    there = transact(lambda session, now: make_location(session, now, shop.entity.id, code="S9"))
    shop.receive(5)
    here, shop.location = shop.location, there
    shop.receive(7)
    shop.location = here
    text = page(clerk, f"/stock/items/{shop.item.sku}")
    assert "All locations" in text.partition("<tbody")[2]
    assert f'href="/stock/items/{shop.item.sku}#history">12</a>' in text
    narrowed = page(clerk, f"/stock/items/{shop.item.sku}", location="S9")
    assert "All locations" not in narrowed.partition("<tbody")[2]


def test_a_shortage_is_explained_while_it_matters(clerk, shop):
    shop.sell(3, occurred_at=NOON, document="till:1/9")
    text = page(clerk, f"/stock/items/{shop.item.sku}")
    assert "3 short at S1." in text
    assert "till:1/9</a> took 3 that the book did not have" in text
    shop.receive(2, occurred_at=NOON - timedelta(hours=1), document="delivery:7")
    text = page(clerk, f"/stock/items/{shop.item.sku}")
    assert "1 short at S1." in text
    assert "Receipt delivery:7</a> brought 2" in text
    shop.receive(1, occurred_at=NOON + timedelta(hours=1))
    assert "Probably miscounted at S1." in page(clerk, f"/stock/items/{shop.item.sku}")
    shop.count(0)
    assert "miscounted" not in page(clerk, f"/stock/items/{shop.item.sku}")


def test_a_count_is_told_where_one_location_is_asked_for(clerk, shop):
    shop.receive(3, occurred_at=NOON)
    shop.count(5)
    text = page(clerk, f"/stock/items/{shop.item.sku}", location="S1")
    assert "found where the book expected" in text
    assert "+2" in text


def test_one_may_look_back_in_the_entitys_own_time(clerk, shop):
    shop.receive(10, occurred_at=NOON)
    shop.sell(4, occurred_at=NOON + timedelta(hours=2), document="till:1/9")
    vienna = (NOON + timedelta(hours=1, minutes=30)).strftime("%Y-%m-%dT%H:%M")  # 12:30 UTC
    text = page(clerk, f"/stock/items/{shop.item.sku}", at=vienna)
    assert "Looking back." in text
    assert ">10</a>" in text
    assert "till:1/9" not in text
    assert f'value="{vienna}"' in text
    known_at = shop.entries()[1].recorded_at.isoformat()
    assert "till:1/9" not in page(clerk, f"/stock/items/{shop.item.sku}", known_at=known_at)


def test_history_is_paged_and_keeps_what_it_was_narrowed_by(clerk, shop):
    for n in range(60):
        shop.receive(1, document=f"delivery:{n}")
    text = page(clerk, f"/stock/items/{shop.item.sku}", state="available", location="", at="")
    assert "delivery:59" in text
    assert "delivery:9 " not in text
    following = re.search(r'rel="next" href="([^"]+)"', text)[1].replace("&amp;", "&")
    assert "state=available" in following
    assert "delivery:9" in page(clerk, following)


def test_an_entry_says_everything(clerk, shop):
    shop.sell(3, occurred_at=NOON, document="till:1/9")
    shop.receive(5, document="delivery:7")
    clearing, receipt, sale = shop.entries()
    text = page(clerk, f"/stock/entries/{name_of(receipt)}")
    assert f"Receipt of Item {shop.item.sku}" in text
    assert "outside: supplier" in text
    assert "Available at Location S1</a>, which then had" in text
    assert f'href="/stock/entries/{name_of(clearing)}">' in text
    assert "delivery:7" in text
    text = page(clerk, f"/stock/entries/{name_of(sale)}")
    assert "Shortage at Location S1</a>, which then had" in text
    assert "after it occurred" in text
    assert "reverse that one" in page(clerk, f"/stock/entries/{name_of(clearing)}")


def test_an_entry_is_reversed_from_its_page(clerk, shop, transact):
    shop.receive(5)
    address = f"/stock/entries/{name_of(shop.entries()[0])}"
    token = csrf_token(clerk, address)
    assert clerk.post(f"{address}/reverse", data={"csrf_token": token, "reason": "  "}).status_code == 303
    assert "Not reversed: say why." in page(clerk, address)
    answer = clerk.post(f"{address}/reverse", data={"csrf_token": token, "reason": "<b>typed</b> wrongly"})
    made = shop.entries()[0]
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/stock/entries/{name_of(made)}")
    text = page(clerk, answer.headers["Location"])
    assert "Reversed. This is the entry that undid it." in text
    assert "&lt;b&gt;typed&lt;/b&gt; wrongly" in text
    assert f'href="{address}"' in text
    assert f'action="{address}/reverse"' not in page(clerk, address)
    again = clerk.post(f"{address}/reverse", data={"csrf_token": token, "reason": "again"})
    assert again.headers["Location"] == address
    assert "reversed already" in page(clerk, address)
    assert made.actor.startswith("user:")
    assert "Ada" in page(clerk, f"/stock/items/{shop.item.sku}")
    assert transact(differences) == []


def test_who_may_only_read_finds_no_form_and_no_way_around_it(browser_of, shop):
    shop.receive(5)
    address = f"/stock/entries/{name_of(shop.entries()[0])}"
    auditor = browser_of("auditor")
    assert f'action="{address}/reverse"' not in page(auditor, address)
    token = csrf_token(auditor, "/")
    assert auditor.post(f"{address}/reverse", data={"csrf_token": token, "reason": "x"}).status_code == 403
    assert shop.states() == {"available": 5}


@pytest.mark.parametrize("path", [
    "/stock/items/NO-SUCH", "/stock/items/%00", "/stock/?location=S2", "/stock/?location=NOWHERE", "/stock/?state=lost",
    "/stock/items/{sku}?location=S2", "/stock/items/{sku}?state=lost", "/stock/entries/7", "/stock/entries/{theirs}",
])  # fmt: skip
def test_what_is_not_there_and_what_is_anothers_are_alike(clerk, shop, other_shop, path):
    other_shop.receive(1)
    address = path.format(sku=shop.item.sku, theirs=name_of(other_shop.entries()[0]))
    assert clerk.get(address).status_code == 404


@pytest.mark.parametrize(
    ("at", "status"),
    [
        ("yesterday", 400),
        ("2026-01-05T99:00", 400),
        ("0001-01-01T00:00", 400),
        ("0002-01-01T00:00", 200),
        ("9998-12-31T23:59", 200),
    ],
)
def test_a_moment_that_is_none_is_refused_and_a_far_one_answered(clerk, shop, at, status):
    shop.receive(1)
    assert clerk.get(f"/stock/items/{shop.item.sku}", query_string={"at": at}).status_code == status


def test_at_one_location_one_sees_only_that_one(browser_of, shop, transact):
    there = transact(lambda session, now: make_location(session, now, shop.entity.id, code="S9"))
    shop.receive(5, document="delivery:7")
    shop.sell(9)
    browser = browser_of("store_manager", there.id)
    assert shop.item.sku not in page(browser, "/stock/").partition("<main")[2]
    assert "S1" not in page(browser, "/stock/").partition("<main")[2]
    text = page(browser, f"/stock/items/{shop.item.sku}")
    assert "delivery:7" not in text
    assert "short at" not in text
    assert browser.get(f"/stock/entries/{name_of(shop.entries()[0])}").status_code == 404
    assert "Nothing went out that was not there" in page(browser, "/")


def test_verification_tells_law_by_law(clerk, admin, shop, transact, superuser):
    shop.receive(5)
    assert transact(differences) == []
    text = page(clerk, "/stock/verification")
    assert "books agree" in text
    assert "Every state of every balance is the sum of its ledger entries." in text
    superuser("UPDATE stock.balance SET damaged = 3")
    assert len(transact(differences)) >= 1
    text = page(clerk, "/stock/verification")
    assert "differences" in text
    assert "Runs before" in text
    assert "item_id" not in text
    assert f"item_id {shop.item.id}" in page(admin, "/stock/verification")


def test_home_says_what_is_short_and_whether_the_books_agree(clerk, shop, transact):
    assert "Not verified" in page(clerk, "/")
    shop.sell(3)
    transact(differences)
    text = page(clerk, "/")
    assert "3 went out that the book did not have" in text
    assert "verified just now" in text
    assert 'href="/stock/?state=shortage"' in text


def test_home_says_that_the_books_differ(clerk, shop, transact, superuser):
    shop.receive(1)
    superuser("UPDATE stock.balance SET damaged = 3")
    transact(differences)
    text = page(clerk, "/")
    assert "differences, just now" in text
    assert "verified just now" not in text


def test_pages_take_the_same_number_of_statements_whatever_they_show(clerk, shop, statements):
    shop.receive(1, shop.items[0])

    def cost(path):
        clerk.get(path)
        with statements() as seen:
            assert clerk.get(path).status_code == 200
        return len(seen)

    few = cost("/stock/"), cost(f"/stock/items/{shop.item.sku}")
    for item in shop.items:
        shop.receive(1, item)
    for _ in range(8):
        shop.receive(1)
    assert (cost("/stock/"), cost(f"/stock/items/{shop.item.sku}")) == few


def test_an_item_page_says_in_a_few_lines_how_the_number_came_to_be(clerk, shop):
    shop.receive(2)
    for _ in range(3):
        shop.sell(2)
    shop.receive(7)
    text = page(clerk, f"/stock/items/{shop.item.sku}", location="S1")
    story = text.partition("How it came to 3")[2].partition("</table>")[0]
    lines = [re.sub(r"<[^>]+>|\s+", " ", row).split() for row in story.split("<tr ")[2:]]
    assert [line[-1] for line in lines] == ["0", "+9", "−6", "3"]
    assert "How it came" not in page(clerk, f"/stock/items/{shop.item.sku}")


def test_what_each_kind_made_adds_up_to_every_number(shop):
    from onhand_stock.summing import summed

    shop.receive(2)
    shop.sell(5)
    shop.receive(4)
    shop.take_back(1)
    shop.sell(3)
    states = shop.states()

    def made(state):
        since = datetime(2000, 1, 1, tzinfo=UTC)
        found = shop.run(lambda session, _: summed(session, shop.item.id, shop.location.id, state, since=since))
        return sum(one.delta for one in found)

    assert states["shortage"] == 2
    assert {state: made(state) for state in states} == states
    assert made(None) == sum(states.values()) - 2 * states["shortage"]
