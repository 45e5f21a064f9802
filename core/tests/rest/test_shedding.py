"""Who has waited too long for a thread is told when to come again, before anything is done for it."""

import socket
import time

import msgspec
import pytest
from flask import Flask
from onhand import shedding
from onhand.metrics import requests_shed
from werkzeug.test import Client

LIMIT = 0.05


@pytest.fixture
def client():
    app = Flask("shed")
    app.add_url_rule("/api/v1/thing", "thing", lambda: "served", methods=["GET", "POST"])
    app.add_url_rule("/page", "page", lambda: "served")
    shedding.init_app(app, LIMIT)
    return Client(app)


@pytest.fixture
def arrived():
    """A connection on which something arrived longer ago than the limit."""
    if not hasattr(socket, "TCP_INFO"):
        pytest.skip("only Linux tells when it arrived")
    with socket.create_server(("127.0.0.1", 0)) as listening, socket.create_connection(listening.getsockname()) as far:
        far.sendall(b"GET / HTTP/1.1\r\n\r\n")
        near, _ = listening.accept()
        with near:
            deadline = time.monotonic() + 10
            while shedding.waited_seconds(near) <= LIMIT:
                assert time.monotonic() < deadline
                time.sleep(0.01)
            yield near


def test_a_request_that_waited_too_long_is_told_when_to_come_again(client, arrived):
    before = requests_shed._value.get()
    answer = client.post("/api/v1/thing", environ_overrides={"gunicorn.socket": arrived})
    assert answer.status_code == 503
    assert 1 <= int(answer.headers["Retry-After"]) <= shedding.RETRY_SECONDS_MAX
    assert answer.content_type == "application/problem+json"
    assert msgspec.json.decode(answer.data)["type"] == "/problems/unavailable"
    assert requests_shed._value.get() == before + 1
    assert client.head("/api/v1/thing", environ_overrides={"gunicorn.socket": arrived}).data == b""


def test_callers_are_spread_over_the_seconds_to_come(client, arrived):
    asked = [client.get("/api/v1/thing", environ_overrides={"gunicorn.socket": arrived}) for _ in range(50)]
    assert len({answer.headers["Retry-After"] for answer in asked}) > 1


def test_a_page_is_served_however_long_it_waited(client, arrived):
    assert client.get("/page", environ_overrides={"gunicorn.socket": arrived}).data == b"served"


def test_where_nobody_knows_when_it_came_it_is_served(client):
    assert client.get("/api/v1/thing").data == b"served"
    one, other = socket.socketpair()
    with one as unix, other:
        assert client.get("/api/v1/thing", environ_overrides={"gunicorn.socket": unix}).data == b"served"
