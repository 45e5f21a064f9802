"""Where an add-on is off nothing of it is seen, asked or done; each test has the entity where it is on beside it."""

import time
from datetime import timedelta

import pytest
import time_machine
from onhand.jobs import enqueue
from onhand.testing.people import ApiClient
from onhand.transaction import context, run
from onhand_lamp.jobs import blink
from onhand_lamp.services import light, put_out, traces
from switching import state, switch

pytestmark = pytest.mark.disabled_in_b("lamp")
WAIT_SECONDS_MAX = 60


@pytest.fixture
def browsers(onhand_site, entities):
    """Administrators at work in the entity where lamp is on, and where it is off."""
    return [onhand_site.browser("admin", entity=entity) for entity in entities]


@pytest.fixture
def programs(app, token, entities):
    """Programs of both entities."""
    return [ApiClient(app, token(entity, "lamp.read")) for entity in entities]


def statuses(clients, path):
    return [client.get(path).status_code for client in clients]


def test_its_pages_are_not_there(browsers):
    assert statuses(browsers, "/lamp/") == [200, 404]
    assert "is not enabled here" in browsers[1].get("/lamp/").text


def test_its_resources_are_not_there(programs):
    assert statuses(programs, "/api/v1/lights") == [200, 404]
    answer = programs[1].get("/api/v1/lights")
    assert answer.content_type == "application/problem+json"
    assert (answer.json["type"], answer.json["detail"]) == ("/problems/not-found", "lamp is not enabled here")


def test_who_may_not_use_it_either_is_told_no_more_than_that(app, token, entities):
    """As if it were not installed; where it is on, a permission is what is missing."""
    programs = [ApiClient(app, token(entity, "reasons.edit")) for entity in entities]
    assert statuses(programs, "/api/v1/lights") == [403, 404]


def test_list_over_the_group_spans_the_entities_where_it_is_on(api, token, entities, transact):
    a, b = entities
    for entity in entities:
        transact(lambda session, _, id_=entity.id: light(session, id_, f"light of {id_}"))
    program = api(token(None, "lamp.read"))
    assert program.get("/api/v1/lights").json == {"scope": [a.id], "lights": [f"light of {a.id}"]}
    switch(transact, b, ("lamp", "enabled"))
    assert program.get("/api/v1/lights").json["scope"] == [a.id, b.id]
    switch(transact, a, ("shade", "disabled"), ("lamp", "draining"))
    assert program.get("/api/v1/lights").json["scope"] == [a.id, b.id]
    transact(lambda session, _: put_out(session, a.id))
    switch(transact, a, ("lamp", "disabled"))
    assert program.get("/api/v1/lights").json == {"scope": [b.id], "lights": [f"light of {b.id}"]}


def test_its_menu_and_tiles_are_not_there(browsers):
    on, off = (browser.get("/").text for browser in browsers)
    assert 'href="/lamp/"' in on
    assert "Lights lit" in on
    assert "/lamp/" not in off
    assert "Lights lit" not in off


def test_its_jobs_leave_that_entity_alone(transact, entities, drain):
    a, _ = entities
    transact(lambda session, _: enqueue(session, blink))
    for entity in entities:
        transact(lambda session, _, id_=entity.id: enqueue(session, blink, entity_id=id_))
    drain()
    assert transact(lambda session, _: traces(session)) == [(a.id, "blink"), (a.id, "blink")]


def test_its_hooks_are_not_called(transact, entities, drain, superuser):
    a, _ = entities
    for entity in entities:
        transact(lambda session, _, id_=entity.id: light(session, id_, f"light of {id_}"))
    assert superuser("SELECT DISTINCT entity_id FROM onhand.outbox") == [(a.id,)]
    drain()
    heard = [(a.id, f"{noun} saw light of {a.id}") for noun in ("lamp", "shade")]
    assert transact(lambda session, _: traces(session)) == heard


def test_event_on_its_way_is_not_told_to_an_addon_switched_off_meanwhile(transact, entities, drain):
    a, _ = entities
    transact(lambda session, _: light(session, a.id, "one"))
    switch(transact, a, ("shade", "disabled"))
    drain()
    assert transact(lambda session, _: traces(session)) == [(a.id, "lamp saw one")]


def test_draining_addon_keeps_its_routes_jobs_and_hooks(transact, entities, browsers, programs, drain):
    a, _ = entities
    switch(transact, a, ("shade", "draining"), ("lamp", "draining"))
    assert statuses(browsers, "/lamp/") == statuses(programs, "/api/v1/lights") == [200, 404]
    transact(lambda session, _: light(session, a.id, "one"))
    transact(lambda session, _: enqueue(session, blink))
    drain()
    assert transact(lambda session, _: traces(session)) == [
        (a.id, "blink"),
        (a.id, "lamp saw one"),
        (a.id, "shade saw one"),
    ]


def test_change_is_seen_by_other_threads_once_it_is_committed(onhand_site, transact, entities, programs):
    a, _ = entities
    seen = []

    def command(session, now):
        from onhand.enablement import Change, change
        from onhand.testing import TESTER

        wishes = [Change(a.id, "shade", "disabled"), Change(a.id, "lamp", "disabled")]
        change(session, wishes, by=TESTER, now=now)
        seen.append(in_thread(lambda: programs[0].get("/api/v1/lights").status_code))

    transact(command)
    seen.append(in_thread(lambda: programs[0].get("/api/v1/lights").status_code))
    assert seen == [200, 404]


def test_change_is_seen_by_other_processes_once_it_is_committed(server, transact, entities, token):
    _, b = entities
    ask = remote(server.url, token(b, "lamp.read"))
    assert ask() == 404
    switch(transact, b, ("lamp", "enabled"))
    assert ask() == 200
    switch(transact, b, ("lamp", "disabled"))
    assert ask() == 404


def test_scheduled_change_takes_effect_by_the_databases_clock(transact, entities, programs):
    _, b = entities
    begins = transact(lambda _, now: now) + timedelta(seconds=0.8)
    switch(transact, b, ("lamp", "enabled", begins))
    with time_machine.travel(begins + timedelta(days=365), tick=True):
        assert programs[1].get("/api/v1/lights").status_code == 404, "the host's clock decides nothing"
        assert state(transact, b, "lamp") == "disabled"
    until = time.monotonic() + WAIT_SECONDS_MAX
    while programs[1].get("/api/v1/lights").status_code == 404:
        assert time.monotonic() < until
        time.sleep(0.02)
    assert transact(lambda _, now: now) >= begins


def test_command_begun_after_the_change_is_refused_whatever_the_gate_had_heard(app, entities, onhand_site, token):
    """The gate goes by memory; the transaction behind it knows."""
    a, _ = entities
    secret = token(a, "lamp.read")
    switch(onhand_site.transact, a, ("shade", "disabled"))
    assert ApiClient(app, secret).get("/api/v1/lights").status_code == 200
    onhand_site.database.superuser(
        "INSERT INTO onhand.enablement (entity_id, addon, state, effective_from, recorded_at, actor)"
        " VALUES (%s, 'lamp', 'disabled', clock_timestamp(), clock_timestamp(), 'system:test')",
        a.id,
    )
    assert ApiClient(app, secret).get("/api/v1/lights").status_code == 404


def test_scheduler_calls_actors_with_the_entities_where_they_are_on(app, entities):
    from onhand.jobs.perform import active_entities

    with app.app_context():
        found = run(lambda session, now: active_entities(session, "lamp", now), entities=())
        assert run(lambda session, now: context(session).addons.enabled(found[0], "lamp", now), entities=())
    assert found == (entities[0].id,)


def in_thread(ask):
    import threading

    answers = []
    thread = threading.Thread(target=lambda: answers.append(ask()))
    thread.start()
    thread.join()
    return answers[0]


def remote(url, secret):
    """Ask over a real socket; return the status."""
    import urllib.error
    import urllib.request

    def ask():
        request = urllib.request.Request(f"{url}/api/v1/lights", headers={"Authorization": f"Bearer {secret}"})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code

    return ask
