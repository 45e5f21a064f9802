"""The hot doors' own way in answers as the application does: status, body and headers, whatever is asked."""

from dataclasses import replace

import pytest

OWN_EACH_TIME = {"X-Request-ID", "Date", "Vary"}  # Vary: only the application looks at cookies
HOLD = {"channel": "web-a", "reference": "web-1", "lines": [{"sku": "?", "quantity": 1}]}


def lane_of(app):
    return app.extensions["onhand_lane"]


@pytest.fixture
def both_ways(app, program, shop, monkeypatch):
    """Ask through the lane and again around it; return both answers."""

    def ask(method, path, headers=None, **given):
        answers = []
        lane = lane_of(app)
        ways = dict(lane._ways)
        for known in (ways, {}):
            monkeypatch.setattr(lane, "_ways", known)
            answers.append(program.api.client.open(f"/api/v1{path}", method=method, headers=headers, **given))
        return answers

    return ask


def comparable(answer, *, moving=()):
    headers = {name: value for name, value in answer.headers.items() if name not in OWN_EACH_TIME}
    body = answer.json if answer.is_json or "json" in answer.content_type else answer.data
    if isinstance(body, dict):
        body = {name: value for name, value in body.items() if name not in moving}
    return answer.status_code, headers, body


@pytest.mark.parametrize(
    ("method", "path", "headers", "given", "status"),
    [
        ("POST", "/reservations", {"Idempotency-Key": "k1"}, {"json": HOLD}, 201),
        ("POST", "/reservations", {"Idempotency-Key": "k2"}, {"json": HOLD | {"lines": [{"sku": "?", "quantity": 99}]}}, 409),
        ("POST", "/reservations", {"Idempotency-Key": "k3"}, {"json": HOLD | {"channel": "nobody"}}, 404),
        ("POST", "/reservations", {"Idempotency-Key": "k4"}, {"json": HOLD | {"lines": "x"}}, 422),
        ("POST", "/reservations", {"Idempotency-Key": "k5"}, {"data": b"{not json"}, 400),
        ("POST", "/reservations", {"Idempotency-Key": "k6"}, {"data": b"\xff\xfe"}, 400),
        ("POST", "/reservations", {"Idempotency-Key": "k7"}, {"data": b"[" * 100_000}, 422),
        ("POST", "/reservations", {"Idempotency-Key": "k\x7f"}, {"json": HOLD}, 400),
        ("POST", "/reservations", {}, {"json": HOLD}, 400),
        ("POST", "/reservations", {"Idempotency-Key": "k8", "Authorization": ""}, {"json": HOLD}, 401),
        ("POST", "/reservations", {"Idempotency-Key": "k9", "Authorization": "Bearer oh_x"}, {"json": HOLD}, 401),
        ("POST", "/reservations", {"Idempotency-Key": "k10", "Authorization": "Basic YTpi"}, {"json": HOLD}, 401),
        ("DELETE", "/reservations", {}, {}, 405),
        ("GET", "/availability?channel=web-a&sku=?", {}, {}, 200),
        ("GET", "/availability?channel=web-a&sku=?&location=A1&location=A2&sku=none", {}, {}, 200),
        ("GET", "/availability?channel=web-a&sku=a%20b&sku=c+d&sku=%C3%A9", {}, {}, 200),
        ("GET", "/availability?channel=web-a", {}, {}, 422),
        ("GET", "/availability?sku=?", {}, {}, 422),
        ("GET", "/availability?channel=web-a&sku=?&location=nowhere", {}, {}, 404),
        ("GET", "/availability?channel=web-b&sku=?", {}, {}, 404),
        ("POST", "/events", {}, {"data": b"[]"}, 403),
    ],
)  # fmt: skip
def test_both_ways_in_answer_alike(shop, program, both_ways, method, path, headers, given, status):
    shop.stock(5)
    path = path.replace("?&", f"{shop.sku}&").replace("=?", f"={shop.sku}")
    if isinstance(given.get("json"), dict) and isinstance(given["json"]["lines"], list):
        given = {"json": given["json"] | {"lines": [line | {"sku": shop.sku} for line in given["json"]["lines"]]}}
    direct, around = both_ways(method, path, {**program.api.headers, **headers}, **given)
    assert direct.status_code == status, direct.data
    moving = {"as_of"} if method == "GET" else set()
    assert comparable(direct, moving=moving) == comparable(around, moving=moving)


@pytest.mark.parametrize(
    ("verb", "key", "given", "status"),
    [
        ("confirm", "c1", {}, 200),
        ("confirm", "c2", {"json": {"lines": [{"line": 0, "quantity": 1}]}}, 422),
        ("release", "r1", {"json": {"event": "customer_cancelled"}}, 200),
        ("release", "r2", {"json": {"lines": [{"line": 0, "quantity": 99}]}}, 422),
        ("fulfil", "f1", {}, 200),
        ("fulfil", "f2", {"data": b"{"}, 400),
        ("extend", "e1", {"json": {"ttl_seconds": 60}}, 200),
        ("extend", "", {"json": {}}, 400),
    ],
)  # fmt: skip
def test_both_ways_change_a_hold_alike(shop, program, both_ways, verb, key, given, status):
    """One key, asked both ways: one effect, and one answer byte for byte."""
    shop.stock(5)
    line = {"sku": shop.sku, "quantity": 2}
    held = program.api.post("/api/v1/reservations", json=HOLD | {"lines": [line]}, headers={"Idempotency-Key": "h"})
    if verb == "fulfil":
        program.api.post(f"/api/v1/reservations/{held.json['id']}/confirm", headers={"Idempotency-Key": "hc"})
    headers = {**program.api.headers, **({"Idempotency-Key": key} if key else {})}
    direct, around = both_ways("POST", f"/reservations/{held.json['id']}/{verb}", headers, **given)
    assert direct.status_code == status, direct.data
    assert comparable(direct) == comparable(around)


@pytest.mark.parametrize(
    "hold_id", ["0192e4a0-0000-7000-8000-000000000000", "0192E4A0-0000-7000-8000-00000000000G", "1", "<uuid:hold_id>"]
)
def test_a_hold_that_is_not_there_is_missed_both_ways(shop, program, both_ways, hold_id):
    headers = {**program.api.headers, "Idempotency-Key": "k"}
    direct, around = both_ways("POST", f"/reservations/{hold_id}/confirm", headers)
    assert direct.status_code == 404
    assert comparable(direct, moving={"request_id"}) == comparable(around, moving={"request_id"})


def test_the_lane_serves_the_doors_whose_address_is_fixed_but_for_ids(app):
    assert set(lane_of(app)._ways) == {
        ("POST", "/api/v1/reservations"),
        *(
            ("POST", f"/api/v1/reservations/<uuid:hold_id>/{verb}")
            for verb in ("confirm", "extend", "fulfil", "release")
        ),
        ("GET", "/api/v1/availability"),
        ("POST", "/api/v1/events"),
    }


def test_a_body_too_long_or_of_no_length_is_the_applications_to_refuse(app, program):
    answer = program.api.post("/api/v1/reservations", data=b" " * (app.config["MAX_CONTENT_LENGTH"] + 1))
    assert (answer.status_code, answer.json["type"]) == (413, "/problems/too-large")


def test_what_fails_unexpectedly_is_a_problem_with_its_id_and_is_logged(app, program, monkeypatch, caplog):
    lane = lane_of(app)
    broken = {name: replace(way, door=lambda _: 1 / 0) for name, way in lane._ways.items()}
    monkeypatch.setattr(lane, "_ways", broken)
    answer = program.api.get("/api/v1/availability?channel=web-a&sku=x", headers={"X-Request-ID": "mine-12345"})
    assert (answer.status_code, answer.json["request_id"]) == (500, "mine-12345")
    assert answer.headers["X-Request-ID"] == "mine-12345"
    assert [record.msg["event"] for record in caplog.records if record.levelname == "ERROR"] == ["unexpected"]


def test_every_answer_is_counted(app, program, shop):
    from onhand.metrics import request_seconds

    def answered():
        labels = {"endpoint": "reservations_api_door.show_availability", "method": "GET", "status": "200"}
        return request_seconds.labels(**labels)._sum.get()

    before = answered()
    assert program.get("/availability", channel="web-a", sku=shop.sku).status_code == 200
    assert answered() > before
