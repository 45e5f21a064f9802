"""The pytest plugin: loaded by itself wherever `onhand` is installed. Fixtures ask for services; the rest costs nothing.

Tests commit for real, under the role `onhand_app`, and find a clean database. An application has the add-ons that the
test's own distribution requires, and itself; tests of no distribution have all that are installed. Override the
fixture `addons` for another set.
"""

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from click.testing import Result
    from flask import Flask
    from flask.testing import FlaskClient
    from playwright.sync_api import Browser

    from onhand.addons import Addon
    from onhand.embedded import Addresses
    from onhand.jobs import Drained
    from onhand.testing.browser import Visit
    from onhand.testing.people import ApiClient, Entity, Person
    from onhand.testing.server import Server
    from onhand.testing.site import Site, Sites
    from onhand.testing.statements import Statements

HOST: pytest.StashKey[Any] = pytest.StashKey()
MEETING = "onhand_meeting"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the folder for pictures."""
    parser.addoption("--screenshots", metavar="FOLDER", type=Path, help="keep a picture of each page a browser judges")


def pytest_configure(config: pytest.Config) -> None:
    """Say what the markers mean, and let properties take the time that a busy machine needs."""
    with suppress(ImportError):
        from hypothesis import HealthCheck, settings

        # What lands is judged by the same examples each time; everywhere else they are new ones, as many as there is time for.
        base = settings.get_profile("ci" if os.environ.get("CI") else "default")
        settings.register_profile("onhand", base, deadline=None, suppress_health_check=[HealthCheck.too_slow])
        settings.load_profile("onhand")
    config.addinivalue_line("markers", "browser: needs Chromium")
    config.addinivalue_line(
        "markers", "disabled_in_b(*nouns): these add-ons, and what needs them, are not enabled for entity B"
    )


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Under xdist the controller runs the services; tell the worker where to ask for them."""
    from onhand.testing.services import Host

    if HOST not in node.config.stash:
        node.config.stash[HOST] = Host()
    node.workerinput[MEETING] = str(node.config.stash[HOST].meeting)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the services when no worker is left."""
    if HOST in config.stash:
        config.stash[HOST].stop()


@pytest.fixture(autouse=True, scope="session")
def onhand_no_network() -> Iterator[None]:
    """Forbid the network, but for this machine's own addresses and sockets."""
    from onhand.testing.network import forbid

    with pytest.MonkeyPatch.context() as patch:
        forbid(patch)
        yield


@pytest.fixture(scope="session")
def onhand_sites(request: pytest.FixtureRequest) -> "Iterator[Sites]":
    """Services, and the sites of this worker on them."""
    from onhand.testing import services
    from onhand.testing.site import Sites

    told = getattr(request.config, "workerinput", {})
    with ExitStack() as stack:
        if MEETING in told:
            meeting, worker = Path(told[MEETING]), str(told["workerid"])
            addresses = services.ask(meeting)
        else:
            meeting, worker = Path(stack.enter_context(tempfile.TemporaryDirectory())), "0"
            addresses = stack.enter_context(services.own())
        sites = Sites(addresses, worker=worker, meeting=meeting)
        stack.callback(sites.close)
        yield sites


@pytest.fixture(scope="session")
def services(onhand_sites: "Sites") -> "Addresses":
    """Where PostgreSQL and Valkey are."""
    return onhand_sites.addresses


@pytest.fixture(scope="module")
def addons(request: pytest.FixtureRequest) -> "Sequence[Addon]":
    """The add-ons of the application: what the test's distribution requires, and itself. Override it for others."""
    from onhand.testing.distribution import addons_of

    return addons_of(request.path)


@pytest.fixture
def onhand_site(onhand_sites: "Sites", addons: "Sequence[Addon]") -> "Site":
    """A clean site without entities or people. The fixtures below build on this one, so `site` is free to override."""
    site = onhand_sites.site(addons)
    site.reset()
    return site


@pytest.fixture
def site(onhand_site: "Site") -> "Site":
    """A clean site without entities or people: `.database`, `.settings`, `.app`, `.transact`."""
    return onhand_site


@pytest.fixture
def app(onhand_site: "Site") -> "Flask":
    """The application of the clean site."""
    return onhand_site.app


@pytest.fixture
def entities(onhand_site: "Site", request: pytest.FixtureRequest) -> "tuple[Entity, Entity]":
    """Entities A and B, every add-on enabled in both; `@pytest.mark.disabled_in_b("stock")` makes a difference."""
    nouns = [noun for marker in request.node.iter_markers("disabled_in_b") for noun in marker.args]
    a, b = onhand_site.found(["A", "B"], disabled={"B": nouns})
    return a, b


@pytest.fixture
def transact(onhand_site: "Site", entities: "tuple[Entity, Entity]") -> Callable[..., Any]:
    """`transact(command, entities=None)`: run `command(session, now)` in its own transaction, over all entities."""
    return onhand_site.transact


@pytest.fixture
def client(app: "Flask", entities: "tuple[Entity, Entity]") -> "FlaskClient":
    """A browser that nobody is signed in to."""
    return app.test_client()


@pytest.fixture
def person(onhand_site: "Site", entities: "tuple[Entity, Entity]") -> "Callable[..., Person]":
    """`person("clerk", RoleAt("auditor", a.id), name="Ada")`: add someone with roles, everywhere or at places."""
    return onhand_site.person


@pytest.fixture
def login(onhand_site: "Site", entities: "tuple[Entity, Entity]") -> "Callable[..., FlaskClient]":
    """`login(client, "clerk", entity=None)`: sign someone new in, with that role there, or everywhere."""
    from onhand.access.services import RoleAt
    from onhand.testing.people import sign_in

    def log_in(client: "FlaskClient", role: str, entity: "Entity | None" = None) -> "FlaskClient":
        sign_in(client, onhand_site.person(RoleAt(role, entity.id if entity else None)), entity)
        return client

    return log_in


@pytest.fixture
def admin(onhand_site: "Site", entities: "tuple[Entity, Entity]") -> "FlaskClient":
    """A browser with an administrator of everything, at work in entity A."""
    from onhand.testing.people import sign_in

    client = onhand_site.app.test_client()
    sign_in(client, onhand_site.person("admin"), entities[0])
    return client


@pytest.fixture
def token(onhand_site: "Site", entities: "tuple[Entity, Entity]") -> Callable[..., str]:
    """`token(entity, "stock.read", source=None)`: the secret of a token for an entity, or with None for all."""
    return onhand_site.token


@pytest.fixture
def api(app: "Flask") -> "Callable[[str | None], ApiClient]":
    """`api(token)`: a program that calls the API; `.get(path)`, `.post(path, json=…)` and so on."""
    from onhand.testing.people import ApiClient

    return lambda secret: ApiClient(app, secret)


@pytest.fixture
def drain(app: "Flask") -> "Callable[..., Drained]":
    """`drain()`: hand over every event and do every due job, here and now."""
    from onhand.jobs import drain

    def work(deadline_seconds: float = 30.0) -> "Drained":
        with app.app_context():
            return drain(deadline_seconds)

    return work


@pytest.fixture
def superuser(onhand_site: "Site") -> Callable[..., list[tuple[Any, ...]]]:
    """`superuser(sql, *values)`: for the catalogue, and to plant what no verb would write. Never to read business."""
    return onhand_site.database.superuser


@pytest.fixture
def onhand(
    onhand_site: "Site", entities: "tuple[Entity, Entity]", monkeypatch: pytest.MonkeyPatch
) -> "Callable[..., Result]":
    """`onhand("addon", "list", "--json")`: run a command line on the test's site; its result has output and exit code."""
    from click.testing import CliRunner

    from onhand.addons import Installed
    from onhand.cli import main

    settings = onhand_site.settings
    monkeypatch.setenv("DATABASE_URL", settings.database_url)
    monkeypatch.setenv("ONHAND_OWNER_DATABASE_URL", settings.owner_database_url)
    monkeypatch.setenv("REDIS_URL", settings.redis_url)
    monkeypatch.setenv("SECRET_KEY", settings.secret_key)
    monkeypatch.setattr("onhand.app.survey", lambda: Installed(tuple(onhand_site.addons)))
    return lambda *words: CliRunner().invoke(main, [str(word) for word in words], prog_name="onhand")


@pytest.fixture
def statements(app: "Flask", monkeypatch: pytest.MonkeyPatch) -> "Callable[[], AbstractContextManager[Statements]]":
    """`with statements() as seen:` records what reaches the database in the block; `len(seen)` is how many.

    Who asks is remembered for as long as the test lasts, however busy the machine: looking that up again is no part of
    what a page costs.
    """
    from onhand.access.cache import principals
    from onhand.testing.statements import record

    monkeypatch.setattr(principals, "_clock", lambda: 0.0)  # time stands still for who is remembered already, too
    return record


@pytest.fixture
def server(onhand_site: "Site", entities: "tuple[Entity, Entity]") -> "Server":
    """The site over HTTP at `server.url`: gunicorn with threads, in processes of its own."""
    return onhand_site.server()


@pytest.fixture(scope="session")
def chromium(request: pytest.FixtureRequest) -> "Iterator[Browser]":
    """The system's Chromium; a test that asks is skipped where there is none."""
    from onhand.testing.browser import start

    browser = start(request)
    yield browser
    browser.close()


@pytest.fixture
def address(app: "Flask") -> Iterator[str]:
    """Where threads of this process serve the application. Override it for another."""
    from onhand.testing.browser import served

    with served(app) as url:
        yield url


@pytest.fixture
def visit(chromium: "Browser", address: str, request: pytest.FixtureRequest) -> "Iterator[Callable[..., Visit]]":
    """`visit(person, "/stock/", width=390, scheme="dark")`: someone signed in, or nobody, at a page in a real browser."""
    from onhand.testing.browser import Visit

    with ExitStack() as stack:

        def come(who: "Person | None" = None, path: str = "/", **look: Any) -> "Visit":
            shots = request.config.getoption("screenshots")
            here = stack.enter_context(Visit(chromium, address, shots=shots, **look))
            if who is None:
                here.goto(path)
            else:
                here.sign_in(who, path)
            return here

        yield come
