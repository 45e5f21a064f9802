"""The add-on under test, a partner's add-on that knows two kinds of trouble, and short ways to raise them."""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from onhand.addons.graph import Addon, discover
from onhand.events import Cause
from onhand.testing.people import csrf_token, sign_in

sys.path.append(str(Path(__file__).parent / "plugins"))

MONDAY = datetime(2026, 1, 5, 8, tzinfo=UTC)


@pytest.fixture(scope="session")
def addons() -> list[Addon]:
    """Exceptions, and the partner's add-on beside it."""
    ours = [addon for addon in discover() if addon.noun == "exceptions"]
    return [*ours, Addon("trouble", "onhand-trouble", "1", "trouble")]


@pytest.fixture
def world() -> Iterator[dict[str, dict[str, Cause]]]:
    """What holds now, by kind and key; a test decides."""
    from trouble.plugin import ASKED, TRUE, WORTH

    for kept in (TRUE, ASKED, WORTH):
        kept.clear()
    yield TRUE
    TRUE.clear()


@pytest.fixture
def seen_at():
    """A moment so many minutes after a Monday morning."""
    return lambda minutes: MONDAY + timedelta(minutes=minutes)


@pytest.fixture
def cause(entities, seen_at):
    """A cause of the first entity, by its key."""

    def make(key="item:1@location:7", minute=0, quantity=1, *, entity=None, **evidence):
        return Cause(
            key=key,
            entity_id=entity or entities[0].id,
            item_id=1,
            location_id=7,
            quantity=quantity,
            occurred_at=seen_at(minute),
            title=f"{quantity} missing",
            evidence={"sku": "A-1", "location": "S7"} | evidence,
        )

    return make


@pytest.fixture
def someone(person):
    """A person who may work on exceptions everywhere."""
    return person("governance").actor


class Browser:
    """A browser in which a person is signed in."""

    def __init__(self, client):
        self.client = client

    def get(self, path, **query):
        return self.client.get(path, query_string=query or None)

    def post(self, path, *, at, **form):
        """Send a form as the page `at` carries it."""
        return self.client.post(path, data=form | {"csrf_token": csrf_token(self.client, at)})


@pytest.fixture
def browser_of(client, entities):
    """Sign a person in, working in the first entity."""

    def make(who):
        fresh = client.application.test_client()
        sign_in(fresh, who, entities[0])
        return Browser(fresh)

    return make


class Program:
    """A client of the REST API with a token."""

    def __init__(self, api):
        self.api = api

    def get(self, path, **query):
        return self.api.get(path, query_string=query)

    def post(self, path, body):
        return self.api.post(path, json=body)


@pytest.fixture
def program(api, token):
    """A client whose token has permissions in an entity (None: all), acting for a person where one is given."""
    return lambda entity, *permissions, **more: Program(api(token(entity, *permissions, **more)))
