"""The server is killed between commit and answer: the caller tries again under the same key and nothing is done twice."""

import time
from dataclasses import dataclass, replace

import pytest
from crash.proxy import Proxy
from crash.traps import Trap
from onhand.testing.server import Server

from races.callers import storm
from races.world import build

READY_SECONDS_MAX = 120.0


@dataclass(eq=False)
class AfterCommitOf(Trap):
    """Waits for the commit of the transaction in which a statement was sent."""

    statement: str = ""
    was_sent: bool = False

    def catches(self, role, when, point, number):
        self.was_sent = self.was_sent or point == self.statement
        return self.was_sent and super().catches(role, when, point, number)


class TestControl:
    def test_a_retry_without_a_key_acts_twice(self, naive, superuser):
        superuser("INSERT INTO naive.balance VALUES (1, 9)")

        def buy(twin, _):
            twin.hold(1, 1)  # committed; the process dies before it can say so, and the caller tries again
            return twin.hold(1, 1)

        naive(1, buy)
        assert superuser("SELECT reserved FROM naive.balance") == [(2,)]


@pytest.fixture
def watched(onhand_site, transact, superuser, entities, token):
    """A server whose way to the database is watched, a shop on it, and the watcher."""
    database = onhand_site.database
    with Proxy(database.addresses, ["web"], terminate=lambda pid: None) as proxy:
        settings = replace(onhand_site.settings, database_url=proxy.addresses("web").url(database=database.name))
        with Server(settings, onhand_site.addons, workers=1, threads=8) as server:
            yield proxy, build(transact, superuser, entities[0], token, server.url)


@pytest.mark.parametrize("verb", ["hold", "fulfil"])
def test_killed_between_commit_and_answer(watched, verb):
    proxy, world = watched
    world.stock(5)
    world.storm(world.wish(key="first"))  # whatever is read once per process
    [held] = world.holds(1, firm=True)
    ask = world.wish(key="k1") if verb == "hold" else world.change("fulfil", held.id)
    trap = AfterCommitOf("web", "after", "kill", "COMMIT", statement="idempotency.store")
    proxy.arm(trap)
    [lost] = world.storm(ask)
    assert trap.sprung.is_set()
    assert lost.status == 0
    proxy.arm(None)
    before = (world.states(), world.statuses())
    assert before == (({"available": 2, "reserved": 3}, {"held": 2, "confirmed": 1}) if verb == "hold"
                      else ({"available": 3, "reserved": 1}, {"held": 1, "fulfilled": 1}))  # fmt: skip
    again = retried(world, ask)
    assert again.status == (201 if verb == "hold" else 200)
    assert (world.states(), world.statuses()) == before
    assert retried(world, ask).body == again.body
    world.check()


def retried(world, ask):
    """Send a request until a new process answers it, as a caller does."""
    deadline = time.monotonic() + READY_SECONDS_MAX
    while time.monotonic() < deadline:
        try:
            [answer] = storm(world.url, world.secret, [ask])
        except ConnectionError:
            continue
        if answer.status not in {0, 503}:
            return answer
        time.sleep(0.05)
    raise AssertionError("nobody answers")
