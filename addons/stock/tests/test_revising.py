"""What waits is asked for differently: less, for another reason, at another place; consents given are void."""

from onhand.access.services import RoleAt
from onhand.testing.people import csrf_token, sign_in
from onhand_master_data.testing import make_location
from onhand_stock.testing import receive, states_of


def test_what_was_asked_for_becomes_less_and_consents_are_void(
    shop, ask, agree, api, token, person, books_agree, status_of
):
    shop.receive(100)
    asker = person(RoleAt("clerk", shop.entity.id))
    answer = ask(-40, note="pallet gone", by=asker.actor)
    own = api(token(shop.entity, "approvals.read", person=asker))
    address = f"/api/v1/approvals/{answer.approval_id}"
    shop.sell(10)
    assert own.post(f"{address}/revise", json={"version": 9, "quantity": -30}).status_code == 409
    for wish, said in (({"quantity": 0}, "not 0"), ({"quantity": -100}, "counted again first"), ({"amount_minor": 5}, "follows"),
                       ({"quantity": -95}, "cannot be missing"), ({}, "say what is wanted")):  # fmt: skip
        refused = own.post(f"{address}/revise", json={"version": 1, **wish})
        assert (refused.status_code, said in refused.text) == (422, True), refused.text
    told = own.post(f"{address}/revise", json={"version": 1, "quantity": -30, "note": "only 30"}).json
    assert (told["version"], told["quantity"], told["note"]) == (2, -30, "only 30")
    assert (told["changes"][0]["before"], told["changes"][0]["after"], told["atp_after"]) == (90, 60, 60)
    assert shop.states() == {"available": 90}
    assert agree(answer, by=asker.actor).why == "own_request"
    assert agree(answer).status == "approved"
    assert shop.states() == {"available": 60}
    assert status_of(answer) == "posted"
    books_agree()


def test_the_reason_and_the_place_of_a_request_are_revised_and_consents_are_void(
    shop, ask, agree, api, token, person, transact, superuser, books_agree, client
):
    shop.receive(100)
    elsewhere, other = transact(
        lambda s, now: (make_location(s, now, shop.entity.id), make_location(s, now, shop.entity.id))
    )
    transact(lambda s, now: receive(s, now, shop.entity.id, elsewhere.id, {shop.item.id: 20}))
    asker = person(RoleAt("clerk", shop.entity.id, shop.location.id), RoleAt("clerk", shop.entity.id, elsewhere.id))
    answer = ask(-10, by=asker.actor)
    own = api(token(shop.entity, "approvals.read", "stock.work", person=asker))
    address = f"/api/v1/approvals/{answer.approval_id}"
    for wish, status, said in (
        ({"reason": "nonsense"}, 422, "nonsense"),
        ({"location": "NOWHERE"}, 422, "no location NOWHERE"),
        ({"location": elsewhere.code, "quantity": -30}, 422, "cannot be missing"),
        ({"location": other.code, "quantity": 3}, 422, f"no location {other.code} that you may"),
    ):
        refused = own.post(f"{address}/revise", json={"version": 1, **wish})
        assert (refused.status_code, said in refused.text) == (status, True), refused.text
    told = own.post(f"{address}/revise", json={"version": 1, "reason": "theft", "location": elsewhere.code}).json
    assert (told["version"], told["reason"], told["location"]) == (2, "theft", elsewhere.code)
    assert (told["changes"][0]["before"], told["changes"][0]["after"]) == (20, 10)
    sign_in(client, asker, shop.entity)
    page = f"/approvals/{answer.approval_id}"
    form = {
        "version": 2,
        "quantity": "\N{MINUS SIGN}10",
        "reason": "theft",
        "location": elsewhere.code,
        "note": "a tape",
    }
    form["csrf_token"] = csrf_token(client, page)
    assert client.post(f"{page}/revise", data=form | {"location": other.code}).status_code == 303
    shown = client.get(page).text
    assert f"no location {other.code} that you may ask for it at" in shown
    assert [f'value="{one.code}"' in shown for one in (elsewhere, other)] == [True, False], "only those are offered"
    assert client.post(f"{page}/revise", data=form | {"reason": "count_error"}).status_code == 303
    assert "asked for something else" in client.get(page).text
    manager = person(RoleAt("store_manager", shop.entity.id, shop.location.id))
    assert agree(answer, by=manager.actor).why == "no_authority", "it is another store's by now"
    assert agree(answer).status == "approved"
    assert shop.states() == {"available": 100}
    assert superuser("SELECT reason FROM stock.movement WHERE trigger LIKE 'adjustment:%'") == [("count_error",)]
    assert transact(lambda s, _: states_of(s, shop.entity.id, elsewhere.id, shop.item.id)) == {"available": 10}
    books_agree()
