"""The ground tests stand on: clean, walled, counted, and off the network."""

import socket
import time
import urllib.request

import pytest
from onhand.access.cache import principals
from onhand.access.services import RoleAt
from onhand.db import cursor
from onhand.testing import NetworkForbidden
from onhand_sample.services import note

RESET_SECONDS_MAX = 2.0  # it takes a hundredth of that where nobody else works


def things(session, _):
    return [row[0] for row in cursor(session).execute("SELECT name FROM sample.thing ORDER BY 1").fetchall()]


@pytest.fixture
def noted(transact, entities):
    """Note a thing in the first entity."""
    return lambda *names: transact(lambda session, _: note(session, entities[0].id, names or ["one"]))


@pytest.mark.parametrize("turn", [1, 2])
def test_what_one_test_commits_the_next_does_not_see(transact, noted, turn):
    assert transact(things) == []
    noted()
    assert transact(things) == ["one"]


def test_ids_are_never_used_twice(site, entities):
    site.reset()
    later = site.found(["A", "B"], disabled={})
    assert {entity.id for entity in later}.isdisjoint(entity.id for entity in entities)


def test_rows_of_migrations_stay_and_additions_to_them_go(site, superuser):
    counted = (
        "SELECT (SELECT count(*) FROM onhand.role), (SELECT count(*) FROM onhand.role_permission),"
        " (SELECT array_agg(code ORDER BY code) FROM sample.colour)"
    )
    before = superuser(counted)
    assert before[0][2] == ["blue", "red"]
    superuser("INSERT INTO onhand.role (code, name) VALUES ('juggler', 'Juggler')")
    superuser("DELETE FROM onhand.role_permission WHERE permission = 'onhand.read_audit'")
    superuser("UPDATE sample.colour SET code = 'green' WHERE code = 'red'")
    assert superuser(counted) != before
    site.reset()
    assert superuser(counted) == before


def test_what_has_grown_is_emptied_to_the_ground(site, superuser, noted):
    noted(*(f"{number:>200}" for number in range(15_000)))
    size = "SELECT pg_relation_size('sample.thing')"
    assert superuser(size)[0][0] > 2_000_000
    site.reset()
    assert superuser(size) == [(0,)]


def test_cleaning_up_is_fast(site, transact):
    took = []
    for _ in range(5):
        site.reset()
        a, _ = site.found(["A", "B"], disabled={})
        transact(lambda session, _, id_=a.id: note(session, id_, ["one"]))
        started = time.perf_counter()
        site.reset()
        took.append(time.perf_counter() - started)
    assert min(took) < RESET_SECONDS_MAX


def test_the_application_meets_the_walls(transact, noted, entities):
    who = "SELECT rolname, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user"
    assert transact(lambda session, _: cursor(session).execute(who).fetchone()) == ("onhand_app", False, False)
    noted()
    assert transact(things, entities[:1]) == ["one"]
    assert transact(things, entities[1:]) == []


def test_commits_survive_a_crash(superuser):
    assert [superuser(f"SHOW {name}")[0][0] for name in ("fsync", "synchronous_commit")] == ["on", "on"]


@pytest.mark.disabled_in_b("sample")
def test_an_addon_is_off_in_b_where_a_marker_says_so(site, transact, entities):
    addons = site.app.extensions["onhand"]
    states = transact(lambda _, now: [addons.state(entity.id, "sample", now) for entity in entities])
    assert states == ["enabled", "disabled"]


def test_statements_of_raw_cursors_and_of_the_orm_are_counted(transact, statements):
    transact(things)
    with statements() as none:
        pass
    with statements() as seen:
        transact(things)
        transact(lambda session, _: session.connection().exec_driver_sql("SELECT 1"))
    assert none == []
    assert [text for text in seen if "sample.thing" in text or text == "SELECT 1"] == [
        "SELECT name FROM sample.thing ORDER BY 1",
        "SELECT 1",
    ]
    assert len(seen.starting("/* run.open */")) == 4, "two commands, and each asks first which entities there are"


def test_whoever_is_known_is_not_looked_up_while_statements_are_counted(admin, request, monkeypatch):
    admin.get("/sample/")
    known = {key: (1.0, found) for key, (_, found) in principals._entries.items()}  # long since over, by the real clock
    monkeypatch.setattr(principals, "_entries", known)
    record = request.getfixturevalue("statements")
    with record() as first:
        admin.get("/sample/")
    with record() as second:
        admin.get("/sample/")
    assert len(first) == len(second) > 0


def test_people_and_programs_come_in_by_the_real_doors(app, login, admin, person, api, token, entities):
    a, _ = entities
    assert admin.get("/sample/").status_code == 200
    assert login(app.test_client(), "clerk", a).get("/").status_code == 200
    assert person("auditor", RoleAt("clerk", a.id)).actor.kind == "user"
    assert api(token(a, "sample.read")).get("/api/v1/things/old").json == []
    assert api(None).get("/api/v1/things/old").status_code == 401


def test_the_server_answers_over_a_real_socket(server, noted, token, entities):
    noted()
    request = urllib.request.Request(
        f"{server.url}/api/v1/things/old", headers={"Authorization": f"Bearer {token(entities[0], 'sample.read')}"}
    )
    with urllib.request.urlopen(request) as answer:
        assert answer.read().strip() == b'["one"]'
    assert server.alive


def test_there_is_nothing_to_do_at_first(drain):
    drained = drain()
    assert (drained.events, drained.done, drained.failed, drained.parked) == (0, 0, 0, 0)


@pytest.mark.parametrize("host", ["192.0.2.1", "example.org", "2001:db8::1", b"example.org"])
def test_no_test_reaches_the_network(host):
    with pytest.raises(NetworkForbidden, match="this machine only"):
        socket.create_connection((host, 80), timeout=0.1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams, pytest.raises(NetworkForbidden):
        datagrams.sendto(b"", ("192.0.2.1", 53))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_this_machine_is_within_reach(host):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        socket.create_connection((host, listening.getsockname()[1])).close()
