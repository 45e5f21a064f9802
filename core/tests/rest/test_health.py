import pytest
import redis
from access_site import ADDONS, settings_for
from onhand.app import create_app
from onhand.db import db


@pytest.fixture
def fresh(access_services):
    made = []

    def build(**changes):
        app = create_app(settings_for(access_services, **changes), addons=ADDONS)
        made.append(app)
        return app

    yield build
    for app in made:
        with app.app_context():
            db.engine.dispose()


def test_ready_when_all_services_answer(site):
    assert site.get("/livez").status_code == 200
    answer = site.get("/readyz")
    assert answer.status_code == 200
    assert answer.json == {"ready": True, "checks": {"database": "ok", "migrations": "ok", "redis": "ok"}}


def test_not_ready_without_redis_yet_every_door_answers(site, fresh):
    app = fresh(redis_url="redis://127.0.0.1:1")
    client = app.test_client()
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json["checks"]["redis"] != "ok"
    token = site.token(site.a, "gate.read")
    for _ in range(3):
        assert client.get("/api/v1/who", headers=site.headers(token, {})).status_code == 200


def test_not_ready_while_a_migration_is_missing(site, fresh):
    site.owner("UPDATE onhand.alembic_version SET version_num = 'onhand_0001'")
    try:
        answer = fresh().test_client().get("/readyz")
    finally:
        upgrade_again(site)
    assert answer.status_code == 503
    assert answer.json["checks"]["migrations"] == "migrations missing: onhand"


def upgrade_again(site):
    from alembic.script import ScriptDirectory
    from onhand.migrate import runner

    head = ScriptDirectory(str(runner._environment()), version_locations=[str(runner._versions(runner.CORE))])
    site.owner("UPDATE onhand.alembic_version SET version_num = %s", head.get_current_head())


def test_scrape_shows_requests_by_endpoint(site):
    site.get("/livez")
    text = site.get("/metrics").text
    assert 'onhand_request_seconds_count{endpoint="health.livez",method="GET",status="200"}' in text
    assert "onhand_outbox_waiting" in text


def test_caller_beyond_the_limit_is_429_and_told_when_to_return(site, fresh):
    app = fresh(rate_limit="3 per minute")
    client, token, other = app.test_client(), site.token(site.a, "gate.read"), site.token(site.a, "gate.read")
    answers = [client.get("/api/v1/who", headers=site.headers(token, {})) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert answers[-1].content_type == "application/problem+json"
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60
    assert client.get("/api/v1/who", headers=site.headers(other, {})).status_code == 200
    assert client.get("/api/v1/ping", headers=site.headers(token, {})).status_code == 200, "hot doors are not counted"
    keys = redis.Redis.from_url(site.services.redis_url).keys()
    assert not any(token.encode() in key for key in keys)


def test_limit_holds_per_process_while_redis_is_away(site, fresh):
    client, token = (
        fresh(redis_url="redis://127.0.0.1:1", rate_limit="3 per minute").test_client(),
        site.token(site.a, "gate.read"),
    )
    answers = [client.get("/api/v1/who", headers=site.headers(token, {})).status_code for _ in range(4)]
    assert answers == [200, 200, 200, 429]


def test_database_away_is_503_with_a_time_to_return(fresh, access_services):
    app = fresh()
    client = app.test_client()
    with app.app_context():
        db.engine.dispose()
    app.config["SQLALCHEMY_DATABASE_URI"] = None
    from sqlalchemy import event

    def refuse(*_):
        import psycopg

        raise psycopg.OperationalError("gone")

    with app.app_context():
        event.listen(db.engine, "do_connect", refuse)
    answer = client.get("/api/v1/who", headers={"Authorization": "Bearer oh_" + "x" * 43})
    assert (answer.status_code, answer.content_type) == (503, "application/problem+json")
    assert answer.headers["Retry-After"] == "1"
    assert client.get("/livez").status_code == 200
    assert client.get("/readyz").status_code == 503
