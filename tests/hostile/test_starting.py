"""An add-on that cannot be started stops nobody: it is said which and why, and the others work on."""

import re
from dataclasses import replace

import pytest
from onhand.addons import Fault
from onhand.app import create_app
from onhand.db import db
from onhand.enablement import Change, change
from onhand.health import check_migrations
from onhand.migrate import upgrade
from onhand.running import absent, unready
from onhand.testing import TESTER
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from hostile.at_the_start import HANGING, LATE, NOT_MIGRATED, STARTING


@pytest.mark.parametrize("hostile", [HANGING, *STARTING, *NOT_MIGRATED, LATE], ids=str)
def test_broken_addon_is_named_with_its_reason_and_the_site_runs(broken, hostile):
    told = broken.app.test_client().get("/readyz").json["not_running"]
    name = hostile.distribution or hostile.noun
    assert re.search(hostile.said, told[name]), told[name]
    assert broken.hold() == "held"


def test_nobody_else_is_left_out(broken):
    addons = broken.app.extensions["onhand"]
    hostile = {each.distribution or each.noun for each in (HANGING, *STARTING, *NOT_MIGRATED, LATE)}
    assert {fault.noun for fault in (*addons.faults, *addons.held.values())} == hostile
    assert {"master_data", "stock", "channels", "reservations", "exceptions"} <= {*addons.names} - {*addons.held}


def test_addon_whose_package_was_removed_is_told_and_can_be_disabled(broken):
    entity, app = broken.entity, broken.app
    enabled = (
        "INSERT INTO onhand.enablement (entity_id, addon, state, effective_from, recorded_at, actor)"
        " VALUES (%s, 'departed', 'enabled', '2020-01-01Z', clock_timestamp(), 'system:test')"
    )
    broken.site.database.superuser(enabled, entity.id)
    page = broken.site.browser("admin", entity=entity).get("/apps").text
    assert "is on for A, but its package is not installed" in page
    assert "Squatting" in page, "and so are those that are broken"
    assert broken.hold() == "held"
    broken.site.transact(
        lambda session, now: change(session, [Change(entity.id, "departed", "disabled")], by=TESTER, now=now), [entity]
    )
    assert broken.site.transact(lambda session, _: absent(session, app.extensions["onhand"])) == []


def test_what_is_sent_to_an_addon_that_waits_is_to_be_sent_again(broken):
    """A sender that is told 404 would give up what it had to say."""
    addons = broken.app.extensions["onhand"]
    before = addons.held
    token = broken.site.token(broken.entity, "channels.post_events")
    client = broken.app.test_client()
    try:
        addons.hold([*before.values(), Fault("channels", "waits for its tables")])
        sent = client.post("/api/v1/events", data=b"[]", headers={"Authorization": f"Bearer {token}"})
        assert (sent.status_code, sent.headers["Retry-After"]) == (503, "60")
    finally:
        addons.hold(before.values())
    sent = client.post("/api/v1/events", data=b"[]", headers={"Authorization": f"Bearer {token}"})
    assert sent.status_code != 503


def test_a_database_that_goes_away_is_no_addons_fault(broken):
    """Whoever starts then must start again, and not without add-ons."""
    addons = broken.app.extensions["onhand"]
    with broken.app.app_context(), db.engine.connect() as connection:
        pid = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
        connection.commit()
        broken.site.database.superuser("SELECT pg_terminate_backend(%s, 5000)", pid)
        with pytest.raises(OperationalError):
            unready(connection, [addons.addon(noun) for noun in addons.names])


def test_safe_mode_starts_without_any_and_sends_nobody_away_for_good(broken):
    app = create_app(replace(broken.site.settings, safe_mode=True))
    try:
        assert app.extensions["onhand"].names == ()
        assert app.test_client().get("/livez").status_code == 200
        sent = app.test_client().post("/api/v1/events", json=[])
        assert (sent.status_code, sent.headers["Retry-After"]) == (503, "60")
        assert "channels" in sent.json["detail"]
    finally:
        with app.app_context():
            db.engine.dispose()


def test_what_was_late_is_taken_up_when_it_is_migrated(broken):
    addons = broken.app.extensions["onhand"]
    assert LATE.noun in addons.held
    there = [addons.addon(noun) for noun in addons.names if noun not in {each.noun for each in NOT_MIGRATED}]
    upgrade(broken.site.database.owner_url, there)
    with broken.app.app_context():
        assert check_migrations() is None
    assert LATE.noun not in addons.held
