"""Reason codes: one vocabulary, checked for use, owned, retired, never deleted; there and back as a file."""

import re

import pytest
from onhand.access.services import RoleAt
from onhand.db import cursor
from onhand.problems import ImportRefused
from onhand.reasons.api import check
from onhand.reasons.files import EXPORTER, import_reasons
from onhand.reasons.services import ReasonDraft, ReasonRefused, reasons, reinstate, retire, save
from onhand.testing import TESTER
from onhand.testing.people import csrf_token, sign_in


@pytest.fixture(autouse=True)
def as_seeded(superuser):
    """Leave the seeded codes as migrations made them."""
    kept = superuser("SELECT code, label, help, kinds, owner_user_id, version, retired_at FROM onhand.reason_code")
    yield
    superuser("DELETE FROM onhand.reason_code WHERE code <> ALL(%s)", [code for code, *_ in kept])
    for code, *rest in kept:
        superuser(
            "UPDATE onhand.reason_code SET (label, help, kinds, owner_user_id, version, retired_at)"
            " = (%s, %s, %s, %s, %s, %s) WHERE code = %s",
            *rest,
            code,
        )


@pytest.fixture
def put(transact):
    def save_them(*drafts, by=TESTER):
        return transact(lambda session, now: [row.version for row in save(session, drafts, by=by, now=now)])

    return save_them


def test_a_site_begins_with_the_usual_reasons(transact):
    codes = transact(lambda session, now: {row.code for row in reasons(session)})
    wanted = {
        "shrinkage", "damage", "count_error", "theft", "expired", "found", "system_correction", "late_posting", "giveaway",
        "internal_use", "price_drop", "other",
    }  # fmt: skip
    assert wanted <= codes


@pytest.mark.parametrize(("pair", "why", "says"), [
    (("damage", "write_off"), None, ""),
    (("damage", None), None, ""),
    (("other", "anything"), None, ""),
    (("damage", "count_adjustment"), "not_allowed", "is not for count_adjustment; choose one of count_error, found"),
    (("boredom", "write_off"), "unknown", "there is no reason code 'boredom'; choose one of damage"),
])  # fmt: skip
def test_checking_names_what_may_be_given_instead(transact, pair, why, says):
    [found] = transact(lambda session, now: check(session, [pair]))
    assert (found and found.why) == why
    if found:
        assert says in found.detail


def test_a_retired_code_may_not_be_given_until_it_is_reinstated(transact, superuser):
    look = lambda session, now: check(session, [("theft", None)])[0]  # noqa: E731
    for _ in range(2):  # twice is harmless
        transact(lambda session, now: retire(session, ["theft"], by=TESTER, now=now, reason="too harsh"))
    found = transact(look)
    assert found.why == "retired"
    assert "choose one of" in found.detail
    assert "theft" not in found.detail.partition("choose")[2]
    transact(lambda session, now: reinstate(session, ["theft"], by=TESTER, now=now))
    assert transact(look) is None
    trail = superuser("SELECT action, reason FROM onhand.audit WHERE subject = 'reason_code:theft' ORDER BY id")
    assert trail == [("reason_code.retire", "too harsh"), ("reason_code.reinstate", None)]


def test_nobody_can_delete_or_rename_a_code(transact):
    for sql in ("DELETE FROM onhand.reason_code", "UPDATE onhand.reason_code SET code = 'x'"):
        with pytest.raises(Exception, match="permission denied"):
            transact(lambda session, now, sql=sql: cursor(session).execute(sql))


def test_changing_is_audited_and_what_is_the_same_stays_untouched(put, superuser, person):
    owner = person("governance")
    draft = ReasonDraft("spill", "Spill", "Wet floor", ("write_off",), owner.id)
    assert put(draft) == [1]
    assert put(draft) == [1]
    assert put(ReasonDraft("spill", "Spilt", "Wet floor", ("write_off",), owner.id, version=1)) == [2]
    trail = superuser("SELECT action, after FROM onhand.audit WHERE subject = 'reason_code:spill' ORDER BY id")
    assert [action for action, _ in trail] == ["reason_code.add", "reason_code.change"]
    assert trail[1][1]["label"] == "Spilt"
    with pytest.raises(ReasonRefused, match="has moved on to version 2") as refused:
        put(ReasonDraft("spill", "Late", version=1))
    assert refused.value.why == "changed"


@pytest.mark.parametrize(("draft", "field"), [
    (ReasonDraft("No", "x"), "code"), (ReasonDraft("1a", "x"), "code"), (ReasonDraft("a" * 41, "x"), "code"),
    (ReasonDraft("ok", " "), "label"), (ReasonDraft("ok", "a\nb"), "label"), (ReasonDraft("ok", "x", "h" * 501), "help"),
    (ReasonDraft("ok", "x", kinds=("Sale",)), "kinds"), (ReasonDraft("ok", "x", owner_user_id=999_999), "owner"),
])  # fmt: skip
def test_a_bad_draft_is_refused_by_field_and_nothing_is_kept(put, draft, field, superuser):
    with pytest.raises(ReasonRefused) as refused:
        put(ReasonDraft("fine", "Fine"), draft)
    assert (refused.value.field, refused.value.position) == (field, 1)
    assert superuser("SELECT 1 FROM onhand.reason_code WHERE code = 'fine'") == []


def read(transact, text):
    return transact(lambda session, now: import_reasons(session, text.encode(), TESTER, now))


def test_many_drafts_are_written_at_once(transact, statements):
    drafts = [ReasonDraft(f"many_{number}", "Many") for number in range(20)]
    with statements() as seen:
        transact(lambda session, now: save(session, drafts, by=TESTER, now=now) and None)
    assert len(seen.starting("INSERT INTO onhand.audit")) == 1


def test_a_file_goes_there_and_back(transact, superuser):
    def export(session, now):
        rows = cursor(session).execute(EXPORTER.sql)
        lines = [[column.name for column in rows.description], *rows.fetchall()]
        return "\n".join(",".join(f'"{cell}"' for cell in line) for line in lines)

    text = transact(export)
    report = read(transact, text)
    assert (report.created, report.updated) == (0, 0)
    report = read(transact, "code,label,kinds,retired\nspill,Spill,write_off|markdown,\ntheft,Stolen,,yes\n")
    assert (report.rows, report.created, report.updated) == (2, 1, 1)
    assert superuser("SELECT kinds, help, retired_at IS NULL FROM onhand.reason_code WHERE code = 'spill'") == [
        (["write_off", "markdown"], "", True)
    ] or superuser("SELECT kinds FROM onhand.reason_code WHERE code = 'spill'") == [(["markdown", "write_off"],)]
    [(label, said, is_retired)] = superuser(
        "SELECT label, help, retired_at IS NOT NULL FROM onhand.reason_code WHERE code = 'theft'"
    )
    assert (label, is_retired) == ("Stolen", True)
    assert said.startswith("Stolen, with")  # an absent column leaves what it names


@pytest.mark.parametrize(("text", "row", "column"), [
    ("code\nx", 1, "label"), ("code,label,colour\nx,y,z", 1, "colour"), ("code,label\nx", 2, ""),
    ("code,label,owner\nx,y,nobody", 2, "owner"), ("code,label,retired\nx,y,perhaps", 2, "retired"),
    ("code,label\ngood,Good\nBAD,Bad", 3, "code"), ("code,label\nx,a\nx,b", 3, "code"), ("", 1, "code"),
    ('code,label\n"x', 1, ""),
])  # fmt: skip
def test_a_file_with_a_fault_is_refused_by_row_and_column_and_nothing_is_kept(transact, superuser, text, row, column):
    before = superuser("SELECT count(*)::int FROM onhand.reason_code")
    with pytest.raises(ImportRefused) as refused:
        read(transact, text)
    error = refused.value.report.errors[0]
    assert (error.row, error.column) == (row, column)
    assert superuser("SELECT count(*)::int FROM onhand.reason_code") == before


def test_programs_read_and_change_the_vocabulary(entities, api, token, person):
    boss = api(token(None, "reasons.read", "reasons.edit"))
    listed = boss.get("/api/v1/reasons?limit=5").json
    assert len(listed["items"]) == 5
    assert boss.get("/api/v1/reasons", query_string={"limit": 5, "cursor": listed["next"]}).status_code == 200
    for_markdown = {each["code"] for each in boss.get("/api/v1/reasons?kind=markdown&limit=200").json["items"]}
    assert {"price_drop", "other"} <= for_markdown
    assert "found" not in for_markdown
    body = {"code": "spill", "label": "Spill", "kinds": ["write_off"]}
    assert boss.post("/api/v1/reasons", json=body).status_code == 201
    assert boss.post("/api/v1/reasons", json=body).status_code == 409
    refused = boss.post("/api/v1/reasons", json={**body, "code": "Spill"})
    assert (refused.status_code, refused.json["errors"][0]["field"]) == (422, "code")
    changed = boss.put("/api/v1/reasons/spill", json={"label": "Spilt", "version": 1})
    assert (changed.json["label"], changed.json["version"], changed.json["kinds"]) == ("Spilt", 2, [])
    assert boss.put("/api/v1/reasons/spill", json={"label": "Again", "version": 1}).status_code == 409
    assert boss.get("/api/v1/reasons/none").status_code == 404
    assert boss.post("/api/v1/reasons/spill/retire", json={"reason": "dry"}).json["retired_at"]
    assert [each["code"] for each in boss.get("/api/v1/reasons?retired=true").json["items"]] == ["spill"]
    assert boss.post("/api/v1/reasons/spill/reinstate", json={}).json["retired_at"] is None

    local = api(token(entities[0], "reasons.read", "reasons.edit", person=person(RoleAt("governance", entities[0].id))))
    assert local.get("/api/v1/reasons/spill").status_code == 200
    assert local.put("/api/v1/reasons/spill", json={"label": "Mine", "version": 4}).status_code == 409


def test_an_owner_changes_their_own_code_and_no_other(app, entities, person, put):
    owner = person(RoleAt("governance", entities[0].id))
    put(ReasonDraft("spill", "Spill", owner_user_id=owner.id))
    client = app.test_client()
    sign_in(client, owner, entities[0])
    form = {"csrf_token": csrf_token(client, "/"), "label": "Spilt", "version": "1", "owner": str(owner.id)}
    assert client.post("/reasons/spill", data=form).status_code == 303
    assert client.post("/reasons/damage", data=form).status_code == 409
    assert client.get("/reasons/add-code").status_code == 409


def test_the_pages_tell_add_change_and_retire(admin):
    def page(path):
        answer = admin.get(path)
        assert answer.status_code == 200, answer.text
        return re.sub(r"\s+", " ", answer.text)

    def post(path, **form):
        return admin.post(path, data={"csrf_token": csrf_token(admin, "/"), **form})

    assert "Count error" in page("/reasons/")
    assert "No reason code is retired" in page("/reasons/?status=retired")
    refused = post("/reasons/add-code", code="Bad Code", label="x")
    assert refused.status_code == 422
    assert "A code is small letters" in refused.text
    assert post("/reasons/add-code", code="spill", label="Spill", kinds="write_off markdown").status_code == 303
    assert post("/reasons/spill", label="<b>Spilt</b>", version="1", kinds="write_off").status_code == 303
    assert post("/reasons/spill", label="Late", version="1").status_code == 409
    text = page("/reasons/spill")
    assert "&lt;b&gt;Spilt&lt;/b&gt;" in text
    assert "changed it" in text
    assert post("/reasons/spill/retire", reason="dry now").status_code == 303
    text = page("/reasons/spill")
    assert "dry now" in text
    assert "Reinstate" in text
    assert "spill" in page("/reasons/?status=retired")
    assert admin.get("/reasons/none").status_code == 404
