"""Policies as people see them: listed with what decides, explained, changed with a diff first, undone in one step."""

import re
from datetime import timedelta

import pytest
from onhand.access.services import RoleAt
from onhand.policies.book import Where
from onhand.policies.overview import overview
from onhand.policies.profiles import profile_diff
from onhand.policies.services import PolicyChange, set_policies
from onhand.testing import TESTER
from onhand.testing.people import csrf_token, sign_in

DAY = timedelta(days=1)
WATTS = "/policies/lamp.watts"


@pytest.fixture
def browser_of(app, person, entities):
    """Sign someone new in with a role: in entity A, or everywhere."""

    def browse(role, everywhere=False):
        client = app.test_client()
        sign_in(client, person(RoleAt(role, None if everywhere else entities[0].id)), entities[0])
        return client

    return browse


@pytest.fixture
def lead(browser_of):
    """A browser with a governance lead of entity A."""
    return browser_of("governance")


@pytest.fixture
def put(transact):
    def do(value, where=None, name="lamp.watts", at=None, condition=None):
        change = PolicyChange(name, value, where or Where(), at, condition)
        return transact(lambda session, now: set_policies(session, [change], by=TESTER, now=now)[0].id)

    return do


@pytest.fixture
def now(transact):
    return transact(lambda _, now: now)


def page(client, path, **query):
    answer = client.get(path, query_string=query or None)
    assert answer.status_code == 200, answer.text
    return re.sub(r"\s+", " ", answer.text)


def save(client, form, path=WATTS, **expected):
    token = csrf_token(client, "/")
    return client.post(f"{path}/set", data={"csrf_token": token, **form})


def test_list_tells_the_value_here_and_what_decides(lead, put, entities, now):
    put(60)
    put(75, Where(entity_id=entities[0].id))
    put(80, Where(item_id=3, entity_id=entities[0].id))
    put(99, Where(entity_id=entities[1].id, item_id=4))
    put(90, at=now + DAY)
    text = page(lead, "/policies/", q="watts")
    assert "75 W" in text
    assert "This entity" in text
    row = text.partition("<tbody")[2]
    assert '<span class="oh-qty">1</span>' in row, "one narrower place of this entity, none of the other's"
    assert "Lamp" in text
    assert "Rate" not in row


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ({"q": "bright"}, {"lamp.watts"}),
        ({"addon": "lamp", "set": "1"}, {"lamp.rate"}),
        ({"addon": "shade"}, set()),
        ({"q": "no such thing"}, set()),
    ],
)
def test_list_is_narrowed(lead, put, query, shown):
    put("0.3", name="lamp.rate")
    text = page(lead, "/policies/", **query)
    assert set(re.findall(r"<code>(lamp\.\w+)</code>", text)) == shown
    assert shown or "No policy matches" in text


def test_overview_and_profiles_read_what_is_in_memory(put, transact, statements, entities):
    put(75, Where(entity_id=entities[0].id))
    transact(lambda session, now: None)  # what was set is read into memory once
    with statements() as idle:
        transact(lambda session, now: None)
    with statements() as overlooked:
        transact(lambda session, now: overview(session, entities[0].id, now=now))
    with statements() as compared:
        transact(lambda session, now: profile_diff(session, "luxury", entities[0].id, now=now))
    assert len(overlooked) == len(idle)
    assert len(compared) == len(idle) + 1, "what to call the entity"


def test_page_explains_the_value_at_a_place(lead, put, entities):
    put(60)
    version = put(75, Where(entity_id=entities[0].id))
    put(5, Where(item_id=7))
    text = page(lead, WATTS)
    assert f"decided by version {version} for entity A, set by test" in text
    assert "overridden" in text
    assert "5 W" in page(lead, WATTS, item="7").partition('id="reasons"')[2].partition("</p>")[0]
    assert "no installed add-on knows" in page(lead, WATTS, item="x")


def test_page_of_what_nobody_set_says_so(lead):
    text = page(lead, WATTS)
    assert "Nobody has set it" in text
    assert "the default, since nobody has set it here" in text
    assert "No versions" in text
    assert lead.get("/policies/lamp.colour").status_code == 404


def test_form_shows_the_change_before_it_is_saved(lead, superuser, entities):
    text = page(lead, f"{WATTS}/set", value="75", reason="brighter")
    assert "What changes" in text
    assert "40 W" in text
    assert "75 W" in text
    assert superuser("SELECT count(*) FROM onhand.policy_version") == [(0,)]
    answer = save(lead, {"value": "75", "entity": "A", "reason": "brighter"})
    assert (answer.status_code, answer.location) == (303, WATTS)
    assert superuser("SELECT value, entity_id, reason FROM onhand.policy_version") == [(75, entities[0].id, "brighter")]
    assert "Saved as version" in page(lead, WATTS)


@pytest.mark.parametrize(
    ("form", "because"),
    [
        ({"value": "bright"}, "takes a whole number (W), not &#39;bright&#39;"),
        ({"value": "-1"}, "cannot be less than 0: -1 was given"),
        ({"value": "7", "from": "yesterday"}, "Give a date and a time"),
        ({"value": "7", "item": "x"}, "no installed add-on knows a item"),
        ({"value": "7", "when": "hour > 3"}, "takes no condition"),
    ],
)
def test_what_does_not_fit_is_said_at_its_field_and_not_saved(lead, superuser, form, because):
    text = page(lead, f"{WATTS}/set", **form)
    assert because in text
    assert "What changes" not in text
    answer = save(lead, {"entity": "A", **form})
    assert answer.status_code == 422
    assert because in answer.text
    assert superuser("SELECT count(*) FROM onhand.policy_version") == [(0,)]


def test_form_tells_what_stays_set_for_narrower_places(lead, put, entities):
    put(5, Where(item_id=3, entity_id=entities[0].id))
    put(5, Where(item_id=3, entity_id=entities[1].id))
    assert "1 narrower setting stays as it is" in page(lead, f"{WATTS}/set", value="75")


def test_form_fits_the_type(lead):
    assert '<option value="flat"' in page(lead, "/policies/lamp.form/set")
    assert 'name="when"' in page(lead, "/policies/lamp.level/set")
    assert 'name="when"' not in page(lead, f"{WATTS}/set")
    assert 'inputmode="numeric"' in page(lead, f"{WATTS}/set")


def test_group_is_set_by_who_holds_the_permission_for_the_group(lead, browser_of, superuser):
    assert save(lead, {"value": "75", "entity": "-"}).status_code == 403
    assert "The whole group" not in page(lead, f"{WATTS}/set")
    assert lead.get("/policies/lamp.dims/set").status_code == 403
    assert save(browser_of("governance", everywhere=True), {"value": "75", "entity": "-"}).status_code == 303
    assert superuser("SELECT value, entity_id FROM onhand.policy_version") == [(75, None)]


def test_who_may_only_read_sees_no_buttons_and_is_kept_out(browser_of, put):
    put(60)
    clerk = browser_of("clerk")
    text = page(clerk, WATTS)
    assert "Set a value" not in text
    assert "Roll back" not in text
    assert clerk.get(f"{WATTS}/set").status_code == 403
    assert (
        clerk.post(f"{WATTS}/rollback", data={"csrf_token": csrf_token(clerk, "/"), "version": "1"}).status_code == 403
    )


def test_older_version_is_rolled_back_to_in_one_step(lead, put, entities, superuser):
    a = Where(entity_id=entities[0].id)
    first = put(60, a)
    put(75, a)
    text = page(lead, WATTS)
    assert f"Roll back to {first}" in text
    answer = lead.post(f"{WATTS}/rollback", data={"csrf_token": csrf_token(lead, WATTS), "version": str(first)})
    assert answer.status_code == 303
    assert superuser("SELECT value FROM onhand.policy_version ORDER BY id") == [(60,), (75,), (60,)]
    assert f"back to version {first}" in page(lead, WATTS)


def test_group_version_cannot_be_rolled_back_from_an_entity(lead, put):
    first = put(60)
    put(75)
    token = csrf_token(lead, "/")
    assert lead.post(f"{WATTS}/rollback", data={"csrf_token": token, "version": str(first)}).status_code == 403


def test_scheduled_version_is_shown_and_cancelled(lead, put, entities, now):
    planned = put(75, Where(entity_id=entities[0].id), at=now + DAY)
    text = page(lead, WATTS)
    assert "to come" in text
    assert f"Cancel version {planned}" in text
    answer = lead.post(f"{WATTS}/cancel", data={"csrf_token": csrf_token(lead, WATTS), "version": str(planned)})
    assert answer.status_code == 303
    text = page(lead, WATTS)
    assert f"Cancel version {planned}" not in text
    assert "cancelled" in text
    answer = lead.post(f"{WATTS}/cancel", data={"csrf_token": csrf_token(lead, "/"), "version": str(planned)})
    assert answer.status_code == 303
    assert "Not changed" in page(lead, WATTS)


def test_other_entitys_settings_are_not_shown(lead, put, entities):
    put(4711, Where(entity_id=entities[1].id))
    assert "4" + "\N{NARROW NO-BREAK SPACE}" + "711" not in page(lead, WATTS)
    assert "Nobody has set it" in page(lead, WATTS)


def test_value_is_ended_from_the_form(lead, put, entities, superuser):
    put(75, Where(entity_id=entities[0].id))
    assert "what a less specific place says" in page(lead, f"{WATTS}/set", ends="1")
    assert save(lead, {"ends": "1", "entity": "A"}).status_code == 303
    assert superuser("SELECT value FROM onhand.policy_version ORDER BY id DESC LIMIT 1") == [(None,)]
