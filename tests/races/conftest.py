"""A site served by two processes, a shop on it, naive twins beside it, and the database server's log."""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg
import pytest
from onhand.testing.distribution import with_requirements
from onhand.testing.server import Server

TESTS = str(Path(__file__).parents[1])
if TESTS not in sys.path:
    sys.path.insert(0, TESTS)

from races.naive import SCHEMA, Twin, at_once  # noqa: E402
from races.world import World, build  # noqa: E402

SERVERS: dict[int, Server] = {}


@pytest.fixture(scope="session")
def addons() -> list[Any]:
    """Reservations, and what they need."""
    return with_requirements({"reservations"})


@pytest.fixture
def fleet(onhand_site: Any, entities: Any) -> Server:
    """The site over HTTP, by two processes of 32 threads each; kept for the tests that follow."""
    served = SERVERS.get(id(onhand_site))
    if served is None or not served.alive:
        server = Server(onhand_site.settings, onhand_site.addons, workers=2, threads=32)
        served = SERVERS[id(onhand_site)] = onhand_site.servers.enter_context(server)
    return served


@pytest.fixture
def world(fleet: Server, transact: Any, superuser: Any, entities: Any, token: Any) -> World:
    """Entity A's web shop on the fleet."""
    return build(transact, superuser, entities[0], token, fleet.url)


@pytest.fixture
def naive(onhand_site: Any, superuser: Any) -> Iterator[Callable[..., list[Any]]]:
    """`naive(8, lambda twin, number: …)`: so many naive twins at once; what each returned or raised.

    Its tables are new: `superuser("… naive.balance …")` fills and reads them.
    """
    superuser(SCHEMA)
    superuser("GRANT USAGE ON SCHEMA naive TO PUBLIC")
    superuser("GRANT ALL ON ALL TABLES IN SCHEMA naive TO PUBLIC")
    superuser("GRANT ALL ON ALL SEQUENCES IN SCHEMA naive TO PUBLIC")
    address = onhand_site.database.addresses.libpq(database=onhand_site.database.name)

    def run(count: int, command: Callable[[Twin, int], Any]) -> list[Any]:
        meet = threading.Barrier(count)
        with ExitStack() as stack:
            twins = [stack.enter_context(Twin(address, meet)) for _ in range(count)]
            return at_once(count, lambda number: command(twins[number], number))

    yield run
    superuser("DROP SCHEMA naive CASCADE")


@pytest.fixture
def deadlocks(onhand_site: Any) -> Callable[[], int]:
    """`deadlocks()`: how many the database server has logged for this database since the test began."""
    with psycopg.connect(onhand_site.database.addresses.libpq("postgres", "postgres")) as connection:
        row = connection.execute("SHOW data_directory").fetchone()
    assert row is not None
    log = Path(row[0]).parent / "postgres.log"
    began = log.stat().st_size

    def count() -> int:
        with log.open("rb") as file:
            file.seek(began)
            lines = file.read().decode(errors="replace").splitlines()
        return sum("deadlock detected" in line and f"@{onhand_site.database.name} " in line for line in lines)

    return count
