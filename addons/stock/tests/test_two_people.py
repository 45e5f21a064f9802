"""Forty units, two accounts: asked for by one, agreed to by the other in the inbox, seen in the ledger."""

import re

from onhand.access.services import RoleAt
from onhand.testing.people import csrf_token, sign_in


def test_forty_units_are_asked_for_by_one_and_agreed_to_by_another(app, person, shop, books_agree):
    shop.receive(52)

    def browser(role):
        client = app.test_client()
        sign_in(client, person(RoleAt(role, shop.entity.id)), shop.entity)
        return client

    clerk, manager = browser("clerk"), browser("store_manager")
    form = f"/stock/items/{shop.item.sku}/adjust"
    filled = {"location": "S1", "what": "missing", "amount": "40", "state": "available", "expected": "52",
              "note": "pallet gone", "reason": "shrinkage"}  # fmt: skip
    sent = clerk.post(form, data=filled | {"csrf_token": csrf_token(clerk, f"{form}?location=S1")})
    address = sent.headers["Location"]
    asked = clerk.get(address).text
    approval = re.search(r'href="(/approvals/[0-9a-f-]+)"', asked)[1]
    assert "waits for approval" in asked
    inbox = manager.get(approval)
    assert inbox.status_code == 200
    for number in ("52", "12", "pallet gone"):
        assert number in inbox.text
    version = re.search(r'name="version" value="(\d+)"', inbox.text)[1]
    decided = {"verdict": "approve", "version": version}
    own = clerk.post(approval, data=decided | {"csrf_token": csrf_token(clerk, address)})
    assert own.status_code in (303, 403)
    assert shop.states() == {"available": 52}
    done = manager.post(approval, data=decided | {"csrf_token": csrf_token(manager, approval)})
    assert done.status_code == 303, done.text
    assert shop.states() == {"available": 12}
    shown = re.sub(r"\s+", " ", manager.get(address).text)
    assert "posted" in shown
    assert "Approved" in shown
    assert re.search(r'href="/stock/entries/[^"]+">Adjustment</a>', shown)
    books_agree()
