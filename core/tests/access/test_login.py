import threading

import pytest
from access_site import ADDONS, PASSWORD, TESTER, csrf, settings_for, sign_in
from flask import request
from onhand.access import log_in, public, require_declarations
from onhand.access.passwords import hasher_of
from onhand.access.services import RoleAt, change_password, set_active
from onhand.app import create_app
from onhand.db import db


def test_person_signs_in_works_and_signs_out(site):
    site.user("ann", RoleAt("clerk", site.a))
    client = site.client()
    assert sign_in(client, "Ann", PASSWORD).status_code == 303
    assert client.get("/gate/").text == f"Ann in ({site.a},)"
    kept = client.get_cookie("onhand").value
    assert client.post("/logout", data={"csrf_token": csrf(client, "/")}).status_code == 303
    assert client.get("/gate/").status_code == 303
    client.set_cookie("onhand", kept)
    assert client.get("/gate/").status_code == 303, "a copied cookie ends with its session"


def test_visitor_is_sent_to_the_login_and_back(site):
    site.user("ann", RoleAt("clerk", site.a))
    client = site.client()
    answer = client.get("/gate/?q=1")
    assert answer.status_code == 303
    assert answer.location == "/login?next=/gate/?q%3D1"
    assert sign_in(client, "ann", PASSWORD, next="/gate/?q=1").location == "/gate/?q=1"


def test_htmx_request_of_a_visitor_is_sent_to_the_login_as_a_whole_page(site):
    answer = site.client().get("/gate/", headers={"HX-Request": "true"})
    assert answer.status_code == 204
    assert answer.headers["HX-Redirect"].startswith("/login")


@pytest.mark.parametrize(("username", "password"), [("ann", "wrong"), ("nobody", PASSWORD), ("off", PASSWORD)])
def test_failures_to_sign_in_look_alike(site, username, password):
    site.user("ann")
    gone = site.user("off")
    site.run(lambda s, now: set_active(s, gone, False, by=TESTER, now=now))
    answer = sign_in(site.client(), username, password)
    assert answer.status_code == 401
    assert "do not match" in answer.text


def test_after_five_failures_even_the_right_password_waits(site):
    site.user("ann")
    client = site.client()
    for _ in range(5):
        assert sign_in(client, "ann", "wrong").status_code == 401
    assert sign_in(client, "ann", PASSWORD).status_code == 401
    site.owner('UPDATE onhand."user" SET locked_until = now()')
    assert sign_in(client, "ann", PASSWORD).status_code == 303
    assert site.owner('SELECT failed_logins, locked_until FROM onhand."user"') == [(0, None)]


def test_each_further_failure_locks_for_longer(site):
    site.user("ann")
    client = site.client()
    waits = []
    for _ in range(11):
        sign_in(client, "ann", "wrong")
        waits += site.owner('SELECT round(extract(epoch FROM locked_until - now())) FROM onhand."user"')
        site.owner('UPDATE onhand."user" SET locked_until = now() WHERE locked_until IS NOT NULL')
    assert [int(wait) for (wait,) in waits if wait is not None] == [60, 120, 240, 480, 900, 900, 900]


def test_guesses_sent_at_once_cannot_outrun_the_count(site):
    site.user("ann")

    def guess():
        with site.app.test_request_context("/login", method="POST"):
            log_in("ann", "wrong")

    threads = [threading.Thread(target=guess) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert site.owner('SELECT failed_logins FROM onhand."user"') == [(5,)]


def test_post_without_the_pages_token_is_refused_and_changes_nothing(site):
    site.user("ann", RoleAt("admin"))
    client = site.client()
    sign_in(client, "ann", PASSWORD)
    assert client.post("/gate/").status_code == 400
    assert client.post("/gate/", data={"csrf_token": "x"}).status_code == 400
    assert client.post("/gate/", data={"csrf_token": csrf(client, "/")}).text == "changed"


def test_csrf_token_of_another_session_is_refused(site):
    site.user("ann", RoleAt("admin"))
    site.user("eve", RoleAt("admin"))
    ann, eve = site.client(), site.client()
    sign_in(ann, "ann", PASSWORD)
    sign_in(eve, "eve", PASSWORD)
    assert ann.post("/gate/", data={"csrf_token": csrf(eve, "/")}).status_code == 400


def test_role_in_one_entity_is_worth_nothing_in_another(site):
    site.user("ann", RoleAt("clerk", site.b))
    client = site.client()
    sign_in(client, "ann", PASSWORD)
    assert client.get("/gate/").status_code == 404, "the add-on is off in B"
    assert client.post("/entity", data={"entity": site.a, "csrf_token": csrf(client, "/")}).status_code == 404


def test_page_without_the_permission_is_403_as_a_page(site):
    site.user("ann", RoleAt("auditor", site.a))
    client = site.client()
    sign_in(client, "ann", PASSWORD)
    answer = client.post("/gate/", data={"csrf_token": csrf(client, "/")})
    assert answer.status_code == 403
    assert answer.content_type.startswith("text/html")


def test_person_of_two_entities_works_in_the_one_switched_to(site):
    site.user("ann", RoleAt("auditor"))
    client = site.client()
    sign_in(client, "ann", PASSWORD)
    assert client.get("/gate/").text == f"Ann in ({site.a},)"
    client.post("/entity", data={"entity": site.b, "csrf_token": csrf(client, "/")})
    assert client.get("/gate/").status_code == 404


def test_new_password_and_disabling_end_every_session(site):
    user_id = site.user("ann", RoleAt("admin"))
    client = site.client()
    sign_in(client, "ann", PASSWORD)
    site.run(lambda s, now: change_password(s, user_id, hasher_of("cheap").hash("another horse"), by=TESTER, now=now))
    assert client.get("/gate/").status_code == 303
    sign_in(client, "ann", "another horse")
    assert client.get("/gate/").status_code == 200
    site.run(lambda s, now: set_active(s, user_id, False, by=TESTER, now=now))
    assert client.get("/gate/").status_code == 303


def test_session_cookie_is_out_of_reach_of_scripts_and_other_sites(site):
    site.user("ann")
    client = site.client()
    cookie = sign_in(client, "ann", PASSWORD).headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_address_that_tries_too_often_has_to_wait(site):
    client = site.client()
    answers = {sign_in(client, f"user{number}", "x").status_code for number in range(60)}
    assert answers == {401, 429}


def test_visitors_address_is_told_by_our_own_proxies_only(access_services):
    def address(proxies):
        app = create_app(settings_for(access_services, proxies=proxies), addons=ADDONS)
        app.add_url_rule("/address", "address", public(lambda: f"{request.scheme} {request.remote_addr}"))
        require_declarations(app)
        headers = {"X-Forwarded-For": "6.6.6.6, 203.0.113.7", "X-Forwarded-Proto": "https"}
        answer = app.test_client().get("/address", headers=headers).text
        with app.app_context():
            db.engine.dispose()
        return answer

    assert address(0) == "http 127.0.0.1"
    assert address(1) == "https 203.0.113.7"
