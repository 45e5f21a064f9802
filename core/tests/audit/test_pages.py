"""The trail as pages: filters, before and after, the seal; who may see which rows; every look is kept."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from onhand.access.services import RoleAt
from onhand.testing.browser import WIDTHS
from onhand.testing.people import sign_in
from playwright.sync_api import expect
from sqlalchemy.exc import IntegrityError

AUDITOR = Path(__file__).with_name("auditor.py")


@pytest.fixture
def auditor(onhand_site, entities):
    """A browser of an auditor of the whole group, at work in A."""
    browser = onhand_site.app.test_client()
    sign_in(browser, onhand_site.person("auditor"), entities[0])
    return browser


@pytest.fixture
def of_a(onhand_site, entities):
    """A browser of an auditor of A alone."""
    return onhand_site.browser("auditor", entity=entities[0])


def rows(page):
    """Return the subjects that a list shows."""
    return re.findall(r'/audit/\?subject=[^"]*">([^<]+)</a>', page.text)


def test_each_auditor_sees_their_entity_and_only_those_of_the_group_what_concerns_the_group(
    write, entities, auditor, of_a, superuser
):
    a, b = entities
    superuser("DELETE FROM onhand.audit")
    write(entity=a, subject="of-a")
    write(entity=b, subject="of-b")
    write(entity=None, subject="of-group")
    assert set(rows(of_a.get("/audit/"))) == {"of-a"}
    assert {"of-a", "of-group"} <= set(rows(auditor.get("/audit/?subject=of-")))
    assert "of-b" not in auditor.get("/audit/?subject=of-").text
    assert set(rows(auditor.get("/audit/?subject=of-&about=group"))) == {"of-group"}
    assert set(rows(auditor.get("/audit/?subject=of-&about=entity"))) == {"of-a"}
    ids = dict(superuser("SELECT subject, id FROM onhand.audit WHERE subject LIKE 'of-%%'"))
    assert of_a.get(f"/audit/{ids['of-a']}").status_code == 200
    assert of_a.get(f"/audit/{ids['of-b']}").status_code == 404
    assert of_a.get(f"/audit/{ids['of-group']}").status_code == 404
    assert auditor.get(f"/audit/{ids['of-group']}").status_code == 200
    assert of_a.get(f"/audit/{2**63}").status_code == 404
    assert of_a.get("/audit/blocks/99999999999").status_code == 404


def test_a_role_at_one_location_does_not_open_the_entitys_trail(onhand_site, entities):
    browser = onhand_site.app.test_client()
    sign_in(browser, onhand_site.person(RoleAt("auditor", entities[0].id, 7)), entities[0])
    for path in ("/audit/", "/audit/1", "/audit/blocks/1", "/audit/export"):
        assert browser.get(path).status_code == 403, path


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("actor=test", True), ("actor=system:test", True), ("actor=TE", True), ("actor=nobody", False), ("actor=%25", False),
        ("action=thing", True), ("action=thing.change", True), ("action=hing", False),
        ("subject=thing:0", True), ("subject=thing%00:0", True), ("subject=thin_:0", False),
        ("from=2001-01-01", True), ("from=2999-01-01", False), ("to=2001-01-01", False), ("to=2999-01-01", True),
        ("from=nonsense&to=9999-12-31", True),
    ],
)  # fmt: skip
def test_filters_narrow_and_nonsense_breaks_nothing(write, of_a, query, found):
    write()
    page = of_a.get(f"/audit/?{query}")
    assert page.status_code == 200
    assert ("thing:0" in rows(page)) == found


def test_pages_follow_each_other_and_carry_the_filter(write, of_a, superuser):
    write(60)
    first = of_a.get("/audit/?action=thing")
    following = re.search(r'rel="next" href="([^"]+)"', first.text)[1].replace("&amp;", "&")
    second = of_a.get(following)
    assert len(rows(first)) == 50
    assert len(rows(second)) == 10
    assert not set(rows(first)) & set(rows(second))
    assert of_a.get(following.replace("action=thing", "action=other")).status_code == 400


def test_an_entry_shows_before_and_after_and_its_seal(write, sealed, of_a, superuser):
    write(reason="counted again")
    [(id_,)] = superuser("SELECT id FROM onhand.audit WHERE action = 'thing.change'")
    assert "not sealed yet" in of_a.get(f"/audit/{id_}").text
    sealed()
    page = of_a.get(f"/audit/{id_}").text
    for told in ("counted again", "depth", "naïve ✓", "changed", "/audit/blocks/1"):
        assert told in page
    assert "tampered" not in page.lower()
    assert "recomputes" in of_a.get("/audit/blocks/1").text
    superuser(f"UPDATE onhand.audit SET reason = 'no reason' WHERE id = {id_}")
    page = of_a.get(f"/audit/{id_}").text
    assert "Tampered with." in page
    assert "(reason)" in page
    superuser("UPDATE onhand.audit_block SET digest = sha256('x') WHERE number = 1")
    assert "does not recompute" in of_a.get("/audit/blocks/1").text


def test_every_look_at_the_trail_is_in_the_trail(of_a, superuser, entities):
    of_a.get("/audit/?subject=item:1&cursor=")
    of_a.get("/audit/1")  # there is none: nothing was seen
    of_a.get("/")
    looks = superuser("SELECT action, subject, after, entity_id FROM onhand.audit WHERE action LIKE 'audit.%%'")
    assert looks == [("audit.view", "/audit/", {"subject": "item:1"}, entities[0].id)]


def test_a_look_that_cannot_be_kept_is_not_shown(of_a, superuser, write):
    write()
    superuser("ALTER TABLE onhand.audit ADD CONSTRAINT no_looks CHECK (action <> 'audit.view') NOT VALID")
    try:
        with pytest.raises(IntegrityError, match="no_looks"):
            of_a.get("/audit/")
    finally:
        superuser("ALTER TABLE onhand.audit DROP CONSTRAINT no_looks")


def test_what_is_exported_from_the_page_verifies_and_is_kept(write, sealed, of_a, entities, superuser, tmp_path):
    write(3)
    write(entity=entities[1])
    sealed()
    answer = of_a.get("/audit/export")
    file = tmp_path / "audit.jsonl"
    file.write_bytes(answer.data)
    found = [json.loads(line) for line in answer.text.splitlines()]
    assert {one["entity_id"] for one in found if one["type"] == "row"} == {str(entities[0].id)}
    assert subprocess.run([sys.executable, "-I", AUDITOR, file], check=False).returncode == 0
    kept = superuser("SELECT subject FROM onhand.audit WHERE action = 'audit.export' ORDER BY id")
    assert kept == [("audit",), ("/audit/export",)]


def test_a_long_trail_costs_no_more_statements_than_a_short_one(write, of_a, statements):
    write(2)
    with statements() as few:
        of_a.get("/audit/")
    write(30)
    with statements() as many:
        of_a.get("/audit/")
    assert len(many) == len(few)


# In a real browser.


@pytest.mark.browser
@pytest.mark.parametrize("width", WIDTHS)
def test_from_the_list_to_a_change_and_its_seal(visit, write, sealed, person, entities, superuser, width):
    write(3, before={"threshold": 10, "note": "x"}, after={"threshold": 25, "note": "x"}, reason="Season")
    sealed()
    write(entity=None)
    here = visit(person("auditor"), "/audit/", width=width)
    page = here.page
    expect(page.get_by_role("heading", name="Audit", level=1)).to_be_visible()
    page.get_by_label("Subject").fill("thing:1")
    expect(page.locator("#results tbody tr")).to_have_count(1)
    page.locator("#results tbody th a").first.click()
    expect(page.get_by_text("25", exact=True)).to_be_visible()
    here.judge("audit-entry")
    page.get_by_role("link", name="block 1").click()
    expect(page.get_by_role("heading", name="Block 1", level=1)).to_be_visible()
    superuser("UPDATE onhand.audit SET reason = 'Never mind' WHERE subject = 'thing:1'")
    page.go_back()
    page.reload()
    expect(page.get_by_text("Tampered with.")).to_be_visible()
    here.judge("audit-tampered")
