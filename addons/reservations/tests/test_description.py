"""The hot doors in the API's description: found, typed, and telling the truth."""

import pytest

PATHS = {
    "/api/v1/reservations": {"get", "post"},
    "/api/v1/reservations/batch": {"post"},
    "/api/v1/reservations/{hold_id}": {"get"},
    "/api/v1/reservations/{hold_id}/confirm": {"post"},
    "/api/v1/reservations/{hold_id}/extend": {"post"},
    "/api/v1/reservations/{hold_id}/release": {"post"},
    "/api/v1/reservations/{hold_id}/fulfil": {"post"},
    "/api/v1/availability": {"get"},
}


@pytest.fixture
def described(client):
    return client.get("/api/v1/openapi.json").json


def test_every_door_is_described_with_its_permission(described, app):
    doors = {path for path in described["paths"] if path.startswith(("/api/v1/reservations", "/api/v1/availability"))}
    assert doors == set(PATHS)
    for path, methods in PATHS.items():
        operations = {name: one for name, one in described["paths"][path].items() if name in {"get", "post"}}
        assert set(operations) == methods
        for method, operation in operations.items():
            wanted = "reservations.hold" if method == "post" else "reservations.read"
            assert operation["x-permission"] == wanted
            assert operation["summary"]


def test_types_of_the_doors_are_components(described):
    schemas = described["components"]["schemas"]
    assert schemas["HoldBody"]["required"] == ["channel", "reference", "lines"]
    assert set(schemas["Hold"]["properties"]) == {
        "id", "status", "expires_at", "lines", "reference", "channel", "replaces",
    }  # fmt: skip
    post = described["paths"]["/api/v1/reservations"]["post"]
    assert post["requestBody"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/HoldBody"}
    problem = post["responses"]["409"]["content"]["application/problem+json"]["schema"]
    assert problem == {"$ref": "#/components/schemas/HoldProblem"}


def test_a_refusal_has_only_members_that_are_described(described, shop, program):
    body = {"channel": "web-a", "reference": "x", "lines": [{"sku": shop.sku, "quantity": 1}]}
    refused = program.post("/reservations", body).json
    members = described["components"]["schemas"]["HoldProblem"]["properties"]
    assert set(refused) <= set(members)
    assert set(refused["shortfalls"][0]) == set(described["components"]["schemas"]["Shortfall"]["properties"])
