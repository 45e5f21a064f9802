"""Each field has an owner: whoever changes it on something in use asks that one, and nobody else."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from onhand.approvals.api import Decision, decide
from onhand.testing.people import csrf_token
from onhand_master_data.api import ItemChange, Refused
from onhand_master_data.services import NewOwner, Terms, change_items, name_owners, owners
from onhand_master_data.testing import TESTER, gtin_of, make_item
from onhand_master_data.values import Barcode

Transact = Callable[..., Any]


def name(transact: Transact, field: str, role: str | None, entity_id: int | None) -> Any:
    wish = NewOwner(field, role, entity_id)
    return transact(lambda session, now: name_owners(session, [wish], by=TESTER, now=now))[0]


def roles_of(transact: Transact, entity_id: int | None) -> dict[str, tuple[str, ...]]:
    return {one.field: one.roles for one in transact(lambda session, _: owners(session, entity_id))}


def asked(transact: Transact, by: Any, **parts: Any) -> Any:
    """Ask for a change that has a day, so that it goes by request whether or not the item is in use."""

    def command(session: Any, now: Any) -> Any:
        terms = Terms(now + timedelta(days=365))
        return change_items(session, [ItemChange("A", **parts)], terms=terms, by=by, now=now).requests[0]

    return transact(command)


def test_whoever_owns_a_field_decides_on_it(transact: Transact, entities: Any, person: Any) -> None:
    a, _ = entities
    clerk, governor, manager = person("clerk"), person("governance"), person("store_manager")
    transact(lambda session, now: make_item(session, now, a.id, sku="A", name="Tea"))
    name(transact, "item.name", "store_manager", a.id)
    assert asked(transact, clerk.actor, active=False).roles == ("governance",)
    assert asked(transact, clerk.actor, name="Mint", barcodes=(Barcode(gtin_of(1)),)).roles == (
        "governance",
        "store_manager",
    )
    request = asked(transact, clerk.actor, name="Green tea")
    assert request.roles == ("store_manager",)

    def agree(who: Any) -> Any:
        decision = Decision(request.approval_id, 1, "approve")
        return transact(lambda session, now: decide(session, [decision], by=who.actor, now=now))[0]

    assert agree(governor).why == "no_authority"
    assert agree(manager).status == "approved"


def test_a_field_before_its_class_and_an_entity_before_the_group(transact: Transact, entities: Any) -> None:
    a, b = entities
    name(transact, "item", "auditor", a.id)
    name(transact, "item.name", "store_manager", None)
    name(transact, "item.sku", "admin", a.id)
    here, there, several = (roles_of(transact, place) for place in (a.id, b.id, None))
    assert (here["item"], here["item.name"], here["item.sku"]) == (("auditor",), ("store_manager",), ("admin",))
    assert (there["item"], there["item.name"], there["item.sku"]) == (
        ("governance",),
        ("store_manager",),
        ("governance",),
    )
    assert several == there
    name(transact, "item.name", "admin", None)
    assert roles_of(transact, None)["item.name"] == ("admin",), "it takes the place of who was named before"
    name(transact, "item.name", None, None)
    assert roles_of(transact, a.id)["item.name"] == ("auditor",)


@pytest.mark.parametrize(("field", "role", "fault"), [("item.taste", "admin", "field"), ("item.name", "king", "role")])
def test_an_owner_that_cannot_be_is_refused(
    transact: Transact, entities: Any, field: str, role: str, fault: str
) -> None:
    with pytest.raises(Refused) as refused:
        name(transact, field, role, entities[0].id)
    assert [error.field for error in refused.value.errors] == [fault]
    with pytest.raises(Refused, match="nobody is named"):
        name(transact, "item.name", None, entities[0].id)


def test_owners_are_named_at_the_page(client: Any, login: Any, transact: Transact, entities: Any) -> None:
    a, _ = entities
    login(client, "admin", a)
    page = "/master_data/owners"
    wish = {"field": "item.name", "place": "entity", "role": "auditor", "csrf_token": csrf_token(client, page)}
    assert client.post(page, data=wish | {"role": "king"}).status_code == 422
    assert client.post(page, data=wish).status_code == 303
    assert roles_of(transact, a.id)["item.name"] == ("auditor",)
    assert "Items: Name" in client.get("/approvals/rules").text.partition("Add a rule")[0], "it is a rule like others"


def test_owners_over_rest_and_at_the_command_line(
    onhand: Any, api: Any, token: Any, transact: Transact, entities: Any
) -> None:
    a, b = entities
    governor = api(token(a, "master_data.read", "master_data.edit", "approvals.edit"))
    wish = {"field": "location.gln", "entity": a.code, "role": "auditor"}
    assert governor.post("/api/v1/field_owners", json=wish).json["status"] == "approved"
    assert governor.post("/api/v1/field_owners", json=wish | {"entity": b.code}).status_code == 422
    assert governor.post("/api/v1/field_owners", json=wish | {"entity": None}).status_code == 403
    found = {(one["entity"], one["field"]): one for one in governor.get("/api/v1/field_owners").json["items"]}
    assert found[a.code, "location.gln"]["roles"] == ["auditor"]
    assert found[None, "location.gln"]["own"] is False

    def run(*words: str) -> Any:
        done = onhand(*words, "--json")
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)

    naming = ("owner", "name", "location.gln", "admin", "--entity", a.code)
    assert run(*naming, "--dry-run")["after"] == ["admin"]
    assert roles_of(transact, a.id)["location.gln"] == ("auditor",)
    assert run(*naming)["before"] == ["auditor"]
    rows = {row["field"]: row["roles"] for row in run("owner", "list", "--entity", a.code)}
    assert (rows["location.gln"], rows["location"]) == ("admin", "governance")
