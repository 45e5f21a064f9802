import json

import click
import pytest
from access_site import sign_in
from onhand.cli import main
from onhand.jobs.commands import job


def answer(result):
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_token_made_at_the_command_line_opens_the_door(site, onhand):
    words = ("token", "create", "--entity", "A", "--permission", "gate.read", "--source", "WEB", "--json")
    token = answer(onhand(*words))["token"]
    who = site.get("/api/v1/who", token).json
    assert (who["scope"], who["source"]) == ([site.a], "WEB")
    listed = answer(onhand("token", "list", "--json"))
    assert listed[0]["permissions"] == ["gate.read"]
    assert token not in json.dumps(listed)
    assert answer(onhand("token", "revoke", listed[0]["id"], "--json")) == {"revoked": [listed[0]["id"]]}
    assert answer(onhand("token", "revoke", listed[0]["id"], "--json")) == {"revoked": []}
    assert site.get("/api/v1/who", token).status_code == 401


def test_person_made_at_the_command_line_signs_in(site, onhand):
    made = answer(onhand("user", "create", "Ann", "--role", "clerk", "--entity", "A", "--json"))
    client = site.client()
    assert sign_in(client, "ann", made["password"]).status_code == 303
    assert client.get("/gate/").status_code == 200
    assert answer(onhand("user", "list", "--json"))[0]["roles"] == ["clerk@A"]
    assert onhand("user", "password", "ann", "--password-stdin", given="a better horse\n").exit_code == 0
    assert sign_in(site.client(), "ann", "a better horse").status_code == 303
    assert onhand("user", "disable", "ann").exit_code == 0
    assert sign_in(site.client(), "ann", "a better horse").status_code == 401


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (2, ["fly"]),
        (2, ["token", "create"]),
        (2, ["token", "create", "--entity", "X", "--permission", "gate.read"]),
        (1, ["token", "create", "--entity", "A", "--permission", "gate.fly"]),
        (1, ["user", "create", "ann", "--role", "king"]),
        (1, ["user", "disable", "nobody"]),
        (1, ["entity", "create", "A"]),
        (2, ["entity", "create", "C", "--time-zone", "Mars/Base"]),
        (1, ["addon", "enable", "nothing", "--entity", "A"]),
        (1, ["policy", "get", "gate.depth"]),
        (1, ["policy", "set", "gate.height", "tall"]),
        (1, ["policy", "set", "gate.height", "4", "--item", "1"]),
        (2, ["import", "unheard", "/dev/null"]),
        (1, ["migrate", "--down", "nothing"]),
    ],
)
def test_refusal_is_1_and_misuse_is_2_with_a_message_and_no_traceback(site, onhand, code, words):
    result = onhand(*words)
    assert result.exit_code == code, result.output
    assert "Error" in result.stderr
    assert "Traceback" not in result.output


def test_service_that_does_not_answer_is_3(onhand, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    assert onhand("entity", "list").exit_code == 3
    monkeypatch.delenv("REDIS_URL")
    result = onhand("entity", "list")
    assert result.exit_code == 3
    assert "REDIS_URL" in result.stderr


def test_setting_that_means_nothing_is_2(onhand, monkeypatch):
    monkeypatch.setenv("ONHAND_POOLSIZE", "9")
    result = onhand("entity", "list")
    assert result.exit_code == 2
    assert "ONHAND_POOLSIZE" in result.stderr


def test_entities_and_addons_are_made_planned_and_switched(site, onhand):
    made = answer(onhand("entity", "create", "C", "--currency", "USD", "--time-zone", "America/Chicago", "--json"))
    listed = {row["code"]: row for row in answer(onhand("entity", "list", "--json"))}
    assert listed["C"]["id"] == made["id"]
    assert listed["A"]["enabled"] == ["gate"]
    plan = answer(onhand("addon", "plan", "gate", "--entity", "C", "--json"))
    assert plan[0]["refusals"] == []
    assert onhand("addon", "enable", "gate", "--entity", "C", "--with-requirements").exit_code == 0
    assert answer(onhand("addon", "list", "--json"))[0]["C"] == "enabled"
    assert onhand("addon", "disable", "gate", "--entity", "C").exit_code == 0
    assert answer(onhand("addon", "list", "--json"))[0]["C"] == "disabled"
    assert site.owner("SELECT count(*) FROM onhand.audit WHERE action LIKE 'addon.%%'") == [(2,)]


def test_policy_is_set_where_it_is_asked_for(site, onhand):
    assert answer(onhand("policy", "get", "gate.height", "--json"))["value"] == 3
    assert onhand("policy", "set", "gate.height", "7", "--entity", "A").exit_code == 0
    assert answer(onhand("policy", "get", "gate.height", "--entity", "A", "--json"))["value"] == 7
    assert answer(onhand("policy", "get", "gate.height", "--entity", "B", "--json"))["value"] == 3
    listed = {row["name"]: row for row in answer(onhand("policy", "list", "--json"))}
    assert listed["gate.height"]["unit"] == "cm"


def test_policy_is_explained_tried_undone_and_its_history_told(site, onhand):
    first = answer(onhand("policy", "set", "gate.height", "7", "--entity", "A", "--json"))["version"]
    answer(onhand("policy", "set", "gate.height", "9", "--entity", "A", "--reason", "taller", "--json"))
    why = answer(onhand("policy", "why", "gate.height", "--entity", "A", "--json"))
    assert (why["value"], why["decided"]["reason"], why["overridden"][0]["value"]) == (9, "taller", 3)
    assert "gate.height is 9 cm at entity A" in onhand("policy", "why", "gate.height", "--entity", "A").stdout
    assert answer(onhand("policy", "show", "gate.height", "--json"))["set"][0]["value"] == 9
    assert "no installed add-on records decisions" in onhand("policy", "backtest", "gate.height", "4").stdout
    second = answer(onhand("policy", "show", "gate.height", "--json"))["set"][0]["version"]
    plan = answer(onhand("policy", "undo", "gate.height", second, "--dry-run", "--json"))
    assert (plan["before"], plan["value"], plan["version"]) == (9, 7, None)
    assert "gate.height is (version" in onhand("policy", "undo", "gate.height", second).stdout
    assert answer(onhand("policy", "get", "gate.height", "--entity", "A", "--json"))["value"] == 7
    assert onhand("policy", "undo", "gate.height", second).exit_code == 1, "it is not in force any more"
    assert answer(onhand("policy", "rollback", "gate.height", first, "--json"))["value"] == 7
    told = answer(onhand("policy", "history", "gate.height", "--json"))
    assert [row["state"] for row in told] == ["in force", "past", "past", "past"]
    planned = answer(onhand("policy", "set", "gate.height", "8", "--from", "2099-01-01T00:00:00+00:00", "--json"))
    assert onhand("policy", "cancel", "gate.height", planned["version"]).exit_code == 0
    assert onhand("policy", "cancel", "gate.height", planned["version"]).exit_code == 1
    assert len(answer(onhand("policy", "profile", "--json"))) == 4


def test_import_keeps_all_rows_or_none(site, onhand, tmp_path):
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_text("name,size\na,1\nb,2\n")
    bad.write_text("name,size\nc,1\nd,huge\n")
    assert answer(onhand("import", "things", good, "--dry-run", "--json"))["created"] == 2
    assert onhand("count").stdout == "0\n"
    result = onhand("import", "things", bad, "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["errors"] == [
        {"row": 3, "column": "size", "message": "not a whole number", "value": "huge"}
    ]
    assert onhand("count").stdout == "0\n"
    assert answer(onhand("import", "things", good, "--json"))["created"] == 2
    assert onhand("count").stdout == "2\n"
    assert answer(onhand("import", "things", "-", "--json", given="name,size\ne,5\n"))["created"] == 1


def test_doctor_finds_a_sound_site_sound(site, onhand):
    rows = answer(onhand("doctor", "--json"))
    assert {row["state"] for row in rows} == {"ok"}, rows
    assert {"database", "database role", "migrations", "redis", "clock"} <= {row["check"] for row in rows}


@pytest.mark.parametrize(
    ("name", "value", "check", "code"),
    [
        ("SECRET_KEY", "short", "secret key", 1),
        ("REDIS_URL", "redis://127.0.0.1:1", "redis", 3),
        ("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none", "database", 3),
        ("ONHAND_POOL_SIZE", "many", "settings", 1),
    ],
)
def test_doctor_names_what_is_wrong_and_what_to_do(site, onhand, monkeypatch, name, value, check, code):
    monkeypatch.setenv(name, value)
    result = onhand("doctor", "--json")
    assert result.exit_code == code
    faults = [row for row in json.loads(result.stdout) if row["state"] == "fault"]
    assert [row["check"] for row in faults] == [check]
    assert faults[0]["advice"]


def test_doctor_warns_of_a_login_that_passes_every_wall(site, onhand, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", site.services.url("postgres"))
    rows = {row["check"]: row for row in json.loads(onhand("doctor", "--json").stdout)}
    assert "superuser" in rows["database role"]["fault"]


def test_doctor_tells_of_an_addon_that_floods_its_queue(site, onhand, monkeypatch):
    monkeypatch.setattr("onhand.cli.doctor.QUEUED_MAX", 1)
    asked = (
        "INSERT INTO onhand.job (queue, actor, args, attempts_max, due_at, recorded_at)"
        " VALUES ('lamp', 'lamp.blink', '{}', 1, now(), now()) RETURNING id"
    )
    site.owner(asked)
    assert "queue" not in {row["check"] for row in answer(onhand("doctor", "--json"))}
    site.owner(asked)
    rows = {row["check"]: row for row in json.loads(onhand("doctor", "--json").stdout)}
    site.owner("DELETE FROM onhand.job WHERE queue = 'lamp' RETURNING id")
    assert rows["queue"]["fault"] == "2 jobs of lamp.blink wait"
    assert "onhand addon suspend lamp" in rows["queue"]["advice"]


def test_migrate_has_nothing_left_to_do(site, onhand):
    assert answer(onhand("migrate", "--plan", "--json")) == []


def test_help_of_a_command_asks_no_service(onhand, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    for words in (["--help"], ["token", "create", "--help"], ["count", "--help"], ["serve", "--help"]):
        result = onhand(*words)
        assert result.exit_code == 0
        assert "Usage" in result.stdout


def test_looking_a_command_up_leaves_it_as_its_author_wrote_it():
    written = {name: inner.callback for name, inner in job.commands.items()}
    found = main.get_command(click.Context(main), "job")
    assert {name: inner.callback for name, inner in job.commands.items()} == written
    assert all(found.commands[name].callback is not callback for name, callback in written.items())
