import json

import pytest
from onhand import problems

THINGS = "/api/v1/things"
ROWS = "/api/v1/rows"
PROBLEM = "application/problem+json"


@pytest.fixture
def token(site):
    return site.token(site.a, "gate.read", "gate.write")


def send(site, token, path, data):
    return site.post(path, token, data=data, Idempotency_Key="k")


@pytest.mark.parametrize("path", [THINGS, ROWS])
@pytest.mark.parametrize("data", [b"{", b'{"name": "\xff"}', b"nul", b'{"name": "x"}}', b'{"x":' * 100_000])
def test_body_that_is_no_json_is_400(site, token, path, data):
    answer = send(site, token, path, data)
    assert (answer.status_code, answer.content_type) == (400, PROBLEM)
    assert answer.json["type"] == "/problems/malformed"


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        (THINGS, {"name": 3}, "name"),
        (THINGS, {}, "body"),
        (THINGS, {"name": "a\x00b"}, "name"),
        (
            THINGS,
            {"name": "x", "lines": [{"sku": "a", "quantity": 1}, {"sku": "a", "quantity": 1.5}]},
            "lines[1].quantity",
        ),
        (THINGS, {"name": "x", "lines": [{"sku": "a", "quantity": -1}]}, "lines[0].quantity"),
        (THINGS, {"name": "x", "lines": [{"sku": "a", "quantity": 10**30}]}, "lines[0].quantity"),
        (THINGS, {"name": "x", "lines": [{"sku": "a\nb", "quantity": 1}]}, "lines[0].sku"),
        (THINGS, {"name": "x", "lines": [{"sku": " a", "quantity": 1}]}, "lines[0].sku"),
        (ROWS, {"code": 3, "quantity": 1}, "code"),
        (ROWS, {"code": "a", "quantity": "1"}, "quantity"),
        (ROWS, {"code": "a", "quantity": True}, "quantity"),
        (ROWS, {"code": "a", "quantity": 1.0}, "quantity"),
        (ROWS, {"code": "a", "quantity": 0}, "quantity"),
        (ROWS, {"code": "a", "quantity": 2_000_000_001}, "quantity"),
        (ROWS, {"code": "a\x07", "quantity": 1}, "code"),
        (ROWS, {"code": "a\ud800", "quantity": 1}, "code"),
        (ROWS, {"code": "a ", "quantity": 1}, "code"),
        (ROWS, {"code": "a", "quantity": 1, "at": "2027-01-01T00:00:00"}, "at"),
        (ROWS, {"code": "a", "quantity": 1, "color": "red"}, "color"),
        (ROWS, {"code": "a", "quantity": 1, "lines": [{"code": "b", "quantity": "x"}]}, "lines[0].quantity"),
    ],
)
def test_wrong_field_is_422_and_named(site, token, path, body, field):
    answer = send(site, token, path, json.dumps(body))
    assert answer.status_code in {400, 422}, answer.text
    assert [error["field"] for error in answer.json["errors"]] == [field]
    assert answer.status_code == 422


def test_body_of_ten_megabytes_is_413(site, token):
    answer = send(site, token, THINGS, b'"' + b"x" * 10_000_000 + b'"')
    assert (answer.status_code, answer.content_type) == (413, PROBLEM)
    assert send(site, token, ROWS, b'"' + b"x" * 10_000_000 + b'"').status_code == 413


def test_fault_of_ours_tells_nothing_but_where_to_look(site, token):
    site.app.testing = False
    try:
        answer = site.get("/api/v1/broken", token)
    finally:
        site.app.testing = True
    assert (answer.status_code, answer.content_type) == (500, PROBLEM)
    assert "must not be told" not in answer.text
    assert answer.json["request_id"] == answer.headers["X-Request-ID"]


def test_type_of_a_problem_leads_to_its_meaning(site):
    for slug, kind in problems.catalogue().items():
        answer = site.get(f"/problems/{slug}")
        assert answer.json["status"] == kind.status
        assert len(answer.json["meaning"]) > 20
    assert site.get("/problems/unheard-of").status_code == 404


def test_request_id_is_kept_when_it_is_one_and_made_up_otherwise(site):
    assert site.get("/livez", X_Request_ID="abc-12345").headers["X-Request-ID"] == "abc-12345"
    assert site.get("/livez", X_Request_ID="<script>").headers["X-Request-ID"] != "<script>"
