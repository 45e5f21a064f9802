"""When every connection is busy the site says so within seconds, and is whole when one is free again."""

import json
import threading
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from dataclasses import replace

import psycopg
import pytest
from onhand.testing.server import Server

SECONDS_MAX = 30.0


@pytest.fixture
def narrow(onhand_site, entities):
    """A server with one connection to the database, which a request waits half a second for."""
    settings = replace(onhand_site.settings, pool_size=1, pool_timeout_seconds=0.5)
    with Server(settings, onhand_site.addons, threads=8) as server:
        yield server


@contextmanager
def busy(site):
    """Keep whoever reads lights waiting for a lock, and so their connection busy."""
    with psycopg.connect(site.database.addresses.libpq("postgres", site.database.name)) as connection:
        connection.execute("LOCK TABLE lamp.light IN ACCESS EXCLUSIVE MODE")
        yield
        connection.rollback()


def ask(url, secret, results):
    request = urllib.request.Request(f"{url}/api/v1/lights", headers={"Authorization": f"Bearer {secret}"})
    started = time.monotonic()
    try:
        with urllib.request.urlopen(request, timeout=SECONDS_MAX) as answer:
            results.append((answer.status, dict(answer.headers), answer.read(), time.monotonic() - started))
    except urllib.error.HTTPError as error:
        results.append((error.code, dict(error.headers), error.read(), time.monotonic() - started))


def test_busy_connections_are_503_with_retry_after_within_seconds(narrow, onhand_site, token, entities):
    secret, results = token(entities[0], "lamp.read"), []
    ask(narrow.url, secret, results)
    assert results.pop()[0] == 200
    with busy(onhand_site):
        threads = [threading.Thread(target=ask, args=(narrow.url, secret, results)) for _ in range(4)]
        for thread in threads:
            thread.start()
        until = time.monotonic() + SECONDS_MAX
        while len(results) < 3:  # the fourth holds the connection and waits for the lock
            assert time.monotonic() < until
            time.sleep(0.02)
    for thread in threads:
        thread.join()
    refused = [result for result in results if result[0] == 503]
    assert len(refused) >= 3
    for _, headers, body, seconds in refused[:3]:
        assert int(headers["Retry-After"]) >= 1
        assert headers["Content-Type"] == "application/problem+json"
        assert json.loads(body)["type"] == "/problems/unavailable"
        assert seconds < SECONDS_MAX
    ask(narrow.url, secret, results)
    assert results[-1][0] == 200
