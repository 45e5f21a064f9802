"""Digests told to a program: signed, tried again, given up where people see it, and taken up again."""

import json
import re
import threading
from contextlib import suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from onhand.outgoing import Undelivered
from onhand_exceptions import jobs, services
from onhand_exceptions.services import DigestRefused, NewDigest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

PAGE = "/exceptions/digests"


@pytest.fixture
def program_there(app):
    """A program on this host that may be reached: its `calls`, at `url`, and the `status` it answers."""

    class Door(BaseHTTPRequestHandler):
        def do_POST(self):
            self.server.calls.append((dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(self.server.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Door)
    server.calls, server.status, server.url = [], 204, f"http://127.0.0.1:{server.server_port}/hook"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    settings = app.extensions["onhand_settings"]
    app.extensions["onhand_settings"] = replace(settings, outgoing_hosts="127.0.0.1", site_url="https://onhand.example")
    yield server
    app.extensions["onhand_settings"] = settings
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def lead(person):
    return person("governance", name="Lea")


@pytest.fixture
def told(program_there, transact, entities, lead, world, cause):
    """A leak, and a digest by which the program is told of it every day."""
    one = cause(quantity=3, amount_minor=250)
    world["leak"] = {one.key: one}

    def make(session, now):
        services.record(session, [one], "leak", now=now)
        wish = NewDigest("Leaks", "kind:leak", "webhook", program_there.url, "daily", 0)
        return services.make_digest(
            session, entities[0].id, wish, by=lead.actor, user_id=lead.id, now=now, hosts="127.0.0.1"
        )

    return transact(make)


def compose(app, entity):
    with app.app_context():
        jobs.digest([entity.id])


def state(superuser):
    sql = "SELECT attempts, error, delivered_at IS NOT NULL, given_up_at IS NOT NULL FROM exceptions.delivery"
    return superuser(sql)


def test_a_program_is_told_once_a_day_and_can_verify_it(app, told, program_there, entities, drain, browser_of, lead):
    for _ in range(2):
        compose(app, entities[0])
        drain()
    [(headers, body)] = program_there.calls
    said = json.loads(body)
    assert said["type"] == "onhand.exceptions.digest.v1"
    assert (said["data"]["open"], said["data"]["amount_minor"], said["data"]["not_valued"]) == (1, 250, 0)
    [row] = said["data"]["exceptions"]
    assert (row["title"], row["href"]) == ("3 missing", f"https://onhand.example/exceptions/{row['id']}")
    browser = browser_of(lead)
    page = browser.post(f"{PAGE}/{told}/secret", at=PAGE)
    assert page.headers["Cache-Control"] == "no-store"
    [secret] = re.findall(r"whsec_[A-Za-z0-9+/=]+", page.text)
    assert Webhook(secret).verify(body, headers) == said
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body.replace(b"Leaks", b"Leeks"), headers)
    assert "whsec_" not in browser.get(PAGE, show=told).text
    assert "delivered" in browser.get(PAGE, show=told).text


def test_what_fails_is_tried_again_given_up_and_taken_up_again(
    app, told, program_there, entities, drain, superuser, browser_of, lead
):
    program_there.status = 500
    compose(app, entities[0])
    drained = drain()
    assert drained.failed == 1
    assert state(superuser) == [(1, "it answered 500", False, False)]
    [(id_, waits)] = superuser(
        "SELECT args ->> 'delivery', due_at > now() FROM onhand.job WHERE actor = 'exceptions.deliver'"
    )
    assert waits
    for _ in range(jobs.TRIES - 1):
        with app.app_context(), suppress(Undelivered):
            jobs.deliver([entities[0].id], id_)
    assert state(superuser) == [(jobs.TRIES, "it answered 500", False, True)]
    superuser("UPDATE onhand.job SET status = 'parked' WHERE actor = 'exceptions.deliver' RETURNING 1")
    program_there.status = 200
    browser = browser_of(lead)
    assert "not delivered" in browser.get(PAGE).text
    page = browser.get(PAGE, show=told).text
    assert f"given up after {jobs.TRIES} tries" in page
    assert "Try again" in page
    browser.post(f"/exceptions/deliveries/{id_}/again", at=PAGE, digest=told)
    drain()
    assert state(superuser) == [(1, None, True, False)]
    assert {headers["webhook-id"] for headers, _ in program_there.calls} == {id_}
    assert superuser("SELECT count(*) FROM onhand.job") == [(0,)]
    again = browser.post(f"/exceptions/deliveries/{id_}/again", at=PAGE, digest=told)
    assert "Nothing of that was given up" in browser.get(again.location).text


def test_an_ended_digest_tells_nothing_more(app, told, program_there, entities, drain, transact, lead):
    transact(lambda s, now: services.call_due(s, entities[0].id, site_url="", now=now) and None)
    [(id_,)] = transact(lambda s, _: [(row.id,) for row in _deliveries(s)])
    transact(lambda s, now: services.end_digest(s, entities[0].id, told, by=lead.actor, now=now))
    with app.app_context():
        jobs.deliver([entities[0].id], str(id_))
    assert program_there.calls == []


def _deliveries(session):
    from onhand_exceptions.models import Delivery
    from sqlalchemy import select

    return session.scalars(select(Delivery))


def test_an_address_inside_is_refused_when_a_digest_begins_and_when_it_is_told(
    app, told, program_there, entities, drain, superuser, browser_of, lead, transact
):
    app.extensions["onhand_settings"] = replace(app.extensions["onhand_settings"], outgoing_hosts="")
    compose(app, entities[0])
    drain()
    [(_, error, delivered, _)] = state(superuser)
    assert not delivered
    assert "127.0.0.1 is not public" in error
    assert program_there.calls == []
    form = {
        "name": "Inside",
        "query": "",
        "per": "webhook",
        "address": "https://10.0.0.1/",
        "days": "daily",
        "hour": "7",
    }
    answer = browser_of(lead).post(PAGE, at=PAGE, **form)
    assert answer.status_code == 422
    assert "10.0.0.1 is not public" in answer.text
    wish = NewDigest("Plain", "", "webhook", "http://hooks.example.org/", "daily", 0)
    make = lambda s, now: services.make_digest(s, entities[0].id, wish, by=lead.actor, user_id=lead.id, now=now)  # noqa: E731
    with pytest.raises(DigestRefused, match="must be https"):
        transact(make)
