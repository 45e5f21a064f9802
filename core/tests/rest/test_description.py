import pytest


@pytest.fixture
def described(site):
    return site.get("/api/v1/openapi.json").json


def test_description_is_openapi_3_1_in_its_dialect(described):
    assert described["openapi"] == "3.1.0"
    assert described["jsonSchemaDialect"] == "https://spec.openapis.org/oas/3.1/dialect/base"


def test_hot_doors_and_resources_share_one_description(described):
    assert {"/api/v1/rows", "/api/v1/things"} <= set(described["paths"])
    body = described["paths"]["/api/v1/things"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert body == {"$ref": "#/components/schemas/Thing"}
    assert described["components"]["schemas"]["Line"]["required"] == ["sku", "quantity"]


def test_every_operation_says_which_permission_it_needs(described):
    permissions = {
        (path, method): operation["x-permission"]
        for path, operations in described["paths"].items()
        for method, operation in operations.items()
        if method in {"get", "post"}
    }
    assert all(permissions.values())
    assert {door: name for door, name in permissions.items() if name.startswith("gate.")} == {
        ("/api/v1/rows", "get"): "gate.read",
        ("/api/v1/rows", "post"): "gate.write",
        ("/api/v1/things", "post"): "gate.write",
    }


def test_failures_are_described_as_problems(described):
    content = described["components"]["responses"]["DEFAULT_ERROR"]["content"]
    assert content == {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}


def test_every_reference_of_the_description_resolves(described):
    def references(node):
        if isinstance(node, dict):
            for key, inner in node.items():
                if key == "$ref":
                    yield inner
                else:
                    yield from references(inner)
        elif isinstance(node, list):
            for inner in node:
                yield from references(inner)

    for reference in references(described):
        found = described
        for step in reference.removeprefix("#/").split("/"):
            found = found[step]
