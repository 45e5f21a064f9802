import pytest
from access_site import ADDONS, settings_for
from flask import Blueprint
from flask.views import MethodView
from onhand.access import UndeclaredRoute, public, require_declarations, requires
from onhand.app import create_app


@pytest.fixture
def fresh(access_services):
    app = create_app(settings_for(access_services), addons=ADDONS)
    yield app
    from onhand.db import db

    with app.app_context():
        db.engine.dispose()


def test_route_that_declares_nothing_stops_the_start(fresh):
    fresh.add_url_rule("/api/v1/open", "open", lambda: "in")
    with pytest.raises(UndeclaredRoute, match=r"GET /api/v1/open \(open\)"):
        require_declarations(fresh)


def test_one_undeclared_method_of_a_view_stops_the_start(fresh):
    class Half(MethodView):
        @requires("gate.read")
        def get(self):
            return "in"

        def delete(self):
            return "gone"

    fresh.add_url_rule("/api/v1/half", view_func=Half.as_view("half"))
    with pytest.raises(UndeclaredRoute, match="DELETE /api/v1/half"):
        require_declarations(fresh)


def test_permission_that_no_addon_contributes_stops_the_start(fresh):
    blueprint = Blueprint("later", __name__)
    blueprint.get("/later")(requires("gate.fly")(lambda: "in"))
    fresh.register_blueprint(blueprint)
    with pytest.raises(LookupError, match=r"gate\.fly"):
        require_declarations(fresh)


def test_route_added_after_the_check_is_closed(fresh):
    fresh.add_url_rule("/afterwards", "afterwards", public(lambda: "in"))
    assert fresh.test_client().get("/afterwards").status_code == 404


def test_every_route_of_the_core_declares_itself(fresh):
    require_declarations(fresh)


def test_permission_is_asked_before_anything_of_the_body_is_read(site):
    answer = site.post("/api/v1/rows", site.token(site.a, "gate.read"), data=b"{not json")
    assert answer.status_code == 403


def test_options_and_unknown_addresses_ask_for_no_token(site):
    assert site.client().options("/api/v1/ping").status_code == 200
    answer = site.get("/api/v1/nowhere")
    assert (answer.status_code, answer.content_type) == (404, "application/problem+json")
    answer = site.client().delete("/api/v1/ping")
    assert answer.status_code == 405
    assert "GET" in answer.headers["Allow"]
