from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from onhand.access.services import RoleAt
from onhand.enablement import Change
from shell_site import Site, post
from sqlalchemy import text


@pytest.fixture
def admin(site: Site) -> FlaskClient:
    return site.browser("root", RoleAt("admin", site.north), RoleAt("admin", site.south))


def states(site: Site) -> list[tuple[int, str, str]]:
    query = text("SELECT entity_id, addon, state FROM onhand.enablement ORDER BY id")
    return site.run(lambda session, now: [tuple(row) for row in session.execute(query)])


def test_the_matrix_has_a_row_per_addon_and_a_column_per_entity(site: Site, admin: FlaskClient) -> None:
    site.change(Change(site.north, "shelf", "enabled"))
    page = admin.get("/apps").text
    assert page.count("Change Shelf for") == 2
    assert 'data-label="North Shops"' in page
    assert page.count("Enabled</span>") == 1
    assert page.count("Disabled</span>") == 3
    assert "Needs Shelf" in page


def test_looking_at_a_plan_changes_nothing(site: Site, admin: FlaskClient) -> None:
    page = admin.get(f"/apps/shelf/{site.north}").text
    assert "Shelf for North Shops" in page
    assert "shelf.read" in page
    assert "Shelves" in page
    assert states(site) == []


def test_confirming_the_plan_enables_the_addon_here_only(site: Site, admin: FlaskClient) -> None:
    path = f"/apps/shelf/{site.north}"
    answer = post(admin, path, state="enabled")
    assert answer.location == "/apps"
    assert states(site) == [(site.north, "shelf", "enabled")]
    assert "Shelf is enabled for North Shops from now on." in admin.get("/apps").text
    assert admin.get("/shelf/").status_code == 200


def test_what_it_needs_is_named_and_linked_and_it_is_not_offered(site: Site, admin: FlaskClient) -> None:
    page = admin.get(f"/apps/till/{site.north}").text
    assert "till needs shelf" in page
    assert f'href="/apps/shelf/{site.north}"' in page
    assert '<form method="post" action="/apps/till' not in page


def test_a_refused_change_is_refused_even_when_sent_by_hand(site: Site, admin: FlaskClient) -> None:
    answer = post(admin, f"/apps/till/{site.north}", "/", state="enabled")
    assert answer.status_code == 409
    assert "till needs shelf" in answer.text
    assert states(site) == []


def test_open_work_is_shown_and_lets_it_only_drain(site: Site, admin: FlaskClient) -> None:
    site.change(Change(site.north, "shelf", "enabled"), Change(site.north, "till", "enabled"))
    page = admin.get(f"/apps/till/{site.north}?state=disabled").text
    assert "2 drawers still open" in page
    assert '<form method="post" action="/apps/till' not in page
    assert post(admin, f"/apps/till/{site.north}", state="draining").status_code == 303
    assert states(site)[-1] == (site.north, "till", "draining")


def test_a_change_can_be_scheduled_on_the_clock_of_the_entity(site: Site, admin: FlaskClient) -> None:
    form = {"state": "enabled", "from": "2099-01-01T08:00"}
    assert post(admin, f"/apps/shelf/{site.north}", **form).status_code == 303
    query = text("SELECT effective_from AT TIME ZONE 'UTC' FROM onhand.enablement")
    at = site.run(lambda session, now: session.execute(query).scalar_one())
    assert at.isoformat() == "2098-12-31T23:00:00", "eight in Tokyo"
    page = admin.get("/apps").text
    assert "Scheduled</span>" in page
    assert "1 Jan 2099, 08:00" in page
    assert page.count("Disabled</span>") == 4
    assert admin.get("/shelf/").status_code == 404


def test_a_moment_that_is_none_is_pointed_out(site: Site, admin: FlaskClient) -> None:
    for wrong in ("tomorrow", "2099-02-30T00:00", "0001-01-01T00:00"):
        answer = post(admin, f"/apps/shelf/{site.north}", **{"state": "enabled", "from": wrong})
        assert answer.status_code == 422, wrong
        assert 'aria-invalid="true"' in answer.text
    assert states(site) == []


def test_the_plan_of_an_unknown_addon_or_entity_is_not_found(site: Site, admin: FlaskClient) -> None:
    assert admin.get(f"/apps/nothing/{site.north}").status_code == 404
    assert admin.get("/apps/shelf/999999").status_code == 404


def test_an_administrator_of_one_entity_neither_sees_nor_changes_another(site: Site) -> None:
    client = site.browser("ann", RoleAt("admin", site.north))
    assert "South Shops" not in client.get("/apps").text
    assert client.get(f"/apps/shelf/{site.south}").status_code == 404
    assert post(client, f"/apps/shelf/{site.south}", "/", state="enabled").status_code == 404
    assert "ask who administers all of them" in client.get("/apps/shelf").text
    assert post(client, "/apps/shelf", "/", do="suspend", reason="a whim").status_code == 409
    assert states(site) == []


def test_a_state_that_cannot_follow_is_not_taken(site: Site, admin: FlaskClient) -> None:
    page = admin.get(f"/apps/shelf/{site.north}?state=draining").text
    assert '<input type="hidden" name="state" value="enabled">' in page


def test_every_change_names_its_author(site: Site, admin: FlaskClient) -> None:
    post(admin, f"/apps/shelf/{site.north}", state="enabled")
    query = text("SELECT actor, recorded_at FROM onhand.enablement")
    actor, recorded_at = site.run(lambda session, now: session.execute(query).one())
    assert actor.startswith("user:")
    assert site.run(lambda session, now: now - recorded_at) < timedelta(minutes=1)
