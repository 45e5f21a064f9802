"""The pages of adjustments, in the test client and in a real browser: asked for on a phone, agreed to, and seen."""

import io
import re
from dataclasses import replace
from uuid import uuid4

import pytest
from onhand.access.services import RoleAt
from onhand.contributions import ExceptionSubject
from onhand.testing.browser import WIDTHS
from onhand.testing.people import csrf_token, sign_in
from onhand_stock.testing import differences
from onhand_stock.views.adjust_page import _markdown
from onhand_stock.views.next_steps import next_steps
from playwright.sync_api import expect


@pytest.fixture
def browser_of(app, person, shop):
    """Sign someone new in with a role in entity A, everywhere there or at a place."""

    def browse(role, location_id=None):
        client = app.test_client()
        sign_in(client, person(RoleAt(role, shop.entity.id, location_id)), shop.entity)
        return client

    return browse


@pytest.fixture
def manager(browser_of):
    """A browser with someone who may adjust."""
    return browser_of("store_manager")


def page(client, path, status=200, **query):
    answer = client.get(path, query_string=query or None)
    assert answer.status_code == status, answer.text
    return re.sub(r"\s+", " ", answer.text)


def form(client, shop, **more):
    """Send the form as it was opened when the shelf had 10."""
    address = f"/stock/items/{shop.item.sku}/adjust"
    filled = {"location": "S1", "what": "missing", "amount": "2", "state": "available", "expected": "10",
              "note": "cannot find", "reason": "shrinkage"}  # fmt: skip
    token = csrf_token(client, f"{address}?location=S1")
    return client.post(address, data=filled | more | {"csrf_token": token})


def test_a_form_is_filled_in_sent_and_leads_to_the_entries(manager, shop, transact):
    shop.receive(10)
    assert f'href="/stock/items/{shop.item.sku}/adjust?location=S1"' in page(
        manager, f"/stock/items/{shop.item.sku}", location="S1"
    )
    answer = form(manager, shop)
    assert answer.status_code == 303, answer.text
    shown = page(manager, answer.headers["Location"])
    assert "Posted. The book has the new number." in shown
    assert "cannot find" in shown
    assert re.search(r'href="/stock/entries/[^"]+">Adjustment</a>', shown)
    assert "Shrinkage" in page(manager, "/stock/adjustments/")
    assert f'{answer.headers["Location"]}">Adjustment</a>' in page(manager, f"/stock/items/{shop.item.sku}")
    assert shop.states() == {"available": 8}
    assert transact(differences) == []


def test_the_form_shows_what_would_become_of_it_and_why(manager, shop):
    shop.receive(10)
    address = f"/stock/items/{shop.item.sku}/adjust"
    query = {"location": "S1", "what": "missing", "amount": "3", "note": "smashed on the floor", "expected": "10"}
    shown = page(manager, address, **query)
    assert '<option value="damage" selected>Damage</option>' in shown
    assert "because of “smashed”" in shown
    assert "Write-off" in shown
    assert "Posted at once." in shown
    many = page(manager, address, **query | {"amount": "8"})
    assert "Sent for approval." in many
    assert "cannot be missing" in page(manager, address, **query | {"amount": "11"})
    by_hand = page(manager, address, **query | {"reason": "theft", "auto": "damage"})
    assert '<option value="theft" selected>' in by_hand
    assert '<option value="price_drop" selected' not in page(manager, address, **query)
    marked = page(manager, address, **query | {"what": "markdown", "amount": "2.50", "note": "scratched"})
    assert "−€25.00" in marked.replace("-", "−") or "25.00" in marked


@pytest.mark.parametrize(("amount", "currency", "value"), [
    ("2.50", "EUR", -2_500), ("2,5", "EUR", -2_500), ("250", "JPY", -2_500), ("2.505", "EUR", None), ("2.5", "JPY", None),
    ("-1", "EUR", None), ("NaN", "EUR", None), ("", "EUR", None), ("1e99", "EUR", None),
])  # fmt: skip
def test_a_markdown_of_each_unit_is_a_value_in_the_currencys_own_minor_units(amount, currency, value):
    assert _markdown(amount, 10, currency) == value


def test_the_form_asks_where_when_nobody_said(manager, shop):
    assert "Where is it?" in page(manager, f"/stock/items/{shop.item.sku}/adjust")


@pytest.mark.parametrize(("more", "said"), [
    ({"expected": "9"}, "9 available were seen, and it is 10 now"),
    ({"amount": "x"}, "Give a whole number of units."),
    ({"reason": ""}, "Choose a reason."),
    ({"what": "markdown", "amount": "0"}, "Give the amount"),
    ({"expected": ""}, "The form is not whole"),
])  # fmt: skip
def test_what_is_refused_comes_back_with_what_is_the_case(manager, shop, more, said):
    shop.receive(10)
    answer = form(manager, shop, **more)
    assert answer.status_code == 422
    assert said in re.sub(r"\s+", " ", answer.text)
    assert shop.states() == {"available": 10}


def test_who_may_only_read_finds_no_form_and_no_way_around_it(browser_of, shop):
    shop.receive(10)
    auditor = browser_of("auditor")
    assert "/adjust" not in page(auditor, f"/stock/items/{shop.item.sku}", location="S1").partition("<main")[2]
    assert auditor.get(f"/stock/items/{shop.item.sku}/adjust?location=S1").status_code == 403
    assert page(auditor, "/stock/adjustments/")


def test_what_is_not_there_and_what_is_anothers_are_alike(manager, shop, other_shop):
    assert manager.get("/stock/adjustments/00000000-0000-0000-0000-000000000000").status_code == 404
    assert manager.get(f"/stock/items/{shop.item.sku}/adjust?location=S2").status_code == 404
    assert manager.get("/stock/adjustments/?status=lost").status_code == 404


def test_a_large_correction_is_counted_again_on_its_page(browser_of, manager, shop):
    shop.receive(150)
    sent = form(manager, shop, expected="150", amount="120")
    address = sent.headers["Location"]
    assert "to be counted again" in page(manager, address)
    clerk = browser_of("clerk")
    assert "To count again" in page(clerk, "/")
    assert "to be counted again" in page(clerk, "/stock/adjustments/?status=recount")
    token = csrf_token(clerk, address)
    assert clerk.post(f"{address}/recount", data={"csrf_token": token, "counted": "a few"}).status_code == 303
    assert "Not taken" in page(clerk, address)
    clerk.post(f"{address}/recount", data={"csrf_token": token, "counted": "147"})
    assert "Counted and posted." in page(clerk, address)
    assert shop.states() == {"available": 147}
    assert "To count again" not in page(clerk, "/")


def test_a_file_is_checked_then_imported_and_a_wrong_row_stops_it(manager, shop):
    shop.receive(10)
    token = csrf_token(manager, "/stock/adjustments/import")

    def upload(expected, action):
        data = f"sku,location,expected,delta,reason\n{shop.item.sku},S1,{expected},-1,theft\n"
        parts = {"csrf_token": token, "action": action, "file": (io.BytesIO(data.encode()), "a.csv")}
        return manager.post("/stock/adjustments/import", data=parts, content_type="multipart/form-data")

    assert "The file is fine." in upload(10, "check").text
    assert shop.states() == {"available": 10}
    refused = upload(9, "import")
    assert refused.status_code == 422
    assert "9 available were seen" in refused.text
    assert upload(10, "import").status_code == 303
    assert shop.states() == {"available": 9}


def test_a_shortage_leads_to_the_form_that_settles_it(app, manager, shop, transact):
    shop.sell(3)
    subject = ExceptionSubject(uuid4(), shop.entity.id, "k", ("shortage",), shop.item.id, shop.location.id, 3, {})
    with app.test_request_context():
        [step] = transact(lambda session, _: next_steps(session, subject))
        assert transact(lambda session, _: next_steps(session, replace(subject, kinds=("hold_overdue",)))) == []
    assert step.permission == "stock.work"
    shown = page(manager, f"{step.href}&note=turned+up")
    assert '<option value="found" selected>Found: add</option>' in shown
    assert 'value="3"' in shown
    form(manager, shop, what="found", amount="3", expected="0", reason="found")
    assert shop.states() == {}


@pytest.mark.browser
@pytest.mark.parametrize("width", WIDTHS)
def test_a_breakage_is_reported_from_the_inquiry_to_the_ledger(visit, person, shop, width):
    shop.receive(10)
    shop.take_back(2)
    manager = person(RoleAt("store_manager", shop.entity.id))
    here = visit(manager, f"/stock/items/{shop.item.sku}?location=S1", width=width)
    page = here.page
    page.get_by_role("link", name="Adjust", exact=True).click()
    expect(page.get_by_role("heading", name=f"Adjust Item {shop.item.sku}")).to_be_visible()
    here.judge("adjust")
    page.get_by_label("How many").fill("3")
    page.get_by_label("What did you see?").press_sequentially("smashed glass")
    expect(page.get_by_text("because of “smashed”").first).to_be_visible()
    expect(page.get_by_label("Reason")).to_have_value("damage")
    expect(page.get_by_text("Posted at once.")).to_be_visible()
    here.judge("adjust-filled")
    page.get_by_label("Reason").select_option("quality")
    page.get_by_label("What did you see?").press_sequentially(", three")
    expect(page.get_by_label("Reason")).to_have_value("quality")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("Posted. The book has the new number.")).to_be_visible()
    here.judge("adjustment")
    assert shop.states() == {"available": 7, "customer_returned": 2}
    assert shop.entries()[0].kind == "write_off"
