"""`onhand addon` as a person uses it, in words and as JSON, with exit codes for scripts."""

import json

import pytest


def states(onhand):
    result = onhand("addon", "list", "--json")
    assert result.exit_code == 0, result.output
    return {row["addon"]: (row["A"], row["B"], row["scheduled"]) for row in json.loads(result.stdout)}


@pytest.mark.disabled_in_b("lamp")
def test_plan_says_what_would_happen_and_changes_nothing(onhand):
    before = states(onhand)
    result = onhand("addon", "plan", "shade", "lamp", "--entity", "B")
    assert result.exit_code == 1
    assert "B: enable shade now — refused\n  because shade needs lamp, which is not enabled" in result.stdout
    assert "--with-requirements enables lamp too" in result.stdout
    assert "B: enable lamp now\n  switches on:\n    menu: Lights\n" in result.stdout
    assert onhand("addon", "plan", "lamp", "--entity", "B").exit_code == 0
    assert states(onhand) == before


@pytest.mark.disabled_in_b("lamp")
def test_enabling_tells_what_is_missing_and_how_to_have_it_too(onhand):
    refused = onhand("addon", "enable", "shade", "--entity", "A", "--entity", "B")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "shade needs lamp" in refused.stderr
    assert "add --with-requirements" in refused.stderr
    done = onhand("addon", "enable", "shade", "--entity", "B", "--with-requirements")
    assert (done.exit_code, done.stdout) == (0, "B: lamp is enabled now\nB: shade is enabled now\n")
    assert {state[1] for state in states(onhand).values()} == {"enabled"}


def test_disabling_goes_from_the_top_down(onhand):
    refused = onhand("addon", "disable", "lamp", "--entity", "A")
    assert refused.exit_code == 1
    assert "shade is enabled for this entity and needs lamp: disable it first" in refused.stderr
    assert "--with-requirements" not in refused.stderr
    assert onhand("addon", "disable", "shade", "lamp", "--entity", "A").exit_code == 0
    assert states(onhand) == {"lamp": ("disabled", "enabled", []), "shade": ("disabled", "enabled", [])}


def test_scheduled_change_is_listed_until_it_has_come(onhand):
    done = onhand("addon", "drain", "shade", "--entity", "A", "--from", "2999-01-01T00:00+01:00", "--json")
    [document] = json.loads(done.stdout)
    assert (document["entity"], document["state"], document["effective_from"]) == (
        "A",
        "draining",
        "2999-01-01T00:00:00+01:00",
    )
    assert states(onhand)["shade"] == ("enabled", "enabled", ["A: draining from 2998-12-31 23:00Z"])


@pytest.mark.parametrize(
    ("words", "code", "because"),
    [
        (["enable", "shade", "--entity", "X"], 2, "there is no entity 'X'; known: A, B"),
        (["enable", "bell", "--entity", "A"], 1, "there is no add-on 'bell'; installed: lamp, shade"),
        (["enable", "shade"], 2, "Missing option '--entity'"),
        (["enable", "--entity", "A"], 2, "Missing argument"),
        (["disable", "shade", "--entity", "A", "--from", "tomorrow"], 2, "tomorrow"),
        (["disable", "shade", "--entity", "A", "--from", "2999-01-01T00:00"], 2, "2999-01-01T00:00"),
    ],
)
def test_misuse_is_told_from_refusal(onhand, words, code, because):
    result = onhand("addon", *words)
    assert result.exit_code == code
    assert because in result.stderr
    assert "Traceback" not in result.output


def explained(onhand, verb, entity):
    result = onhand("addon", "explain", verb, "--entity", entity, "--json")
    assert result.exit_code == 0, result.output
    return [(row["hook"], row["kind"], row["add-on"], row["asked"]) for row in json.loads(result.stdout)]


@pytest.mark.disabled_in_b("shade")
def test_a_verb_is_explained_by_the_hooks_it_comes_to_where_it_is_called(onhand):
    observed = [("light_switched", "observe", "lamp", True), ("light_switched", "observe", "shade", True)]
    assert explained(onhand, "lamp.light", "A") == observed
    assert explained(onhand, "lamp.light", "B") == [observed[0], ("light_switched", "observe", "shade", False)]
    assert explained(onhand, "lamp.put_out", "A") == []
    assert [row[2:] for row in explained(onhand, "colours", "B")] == [("lamp", True), ("shade", True)], "at the start"
    assert explained(onhand, "dimmest", "A") == [("dimmest", "decide", "", False)]
    shown = onhand("addon", "explain", "lamp.light", "--entity", "A").stdout
    assert "onhand_shade.plugin:" in shown


@pytest.mark.parametrize(
    ("verb", "because"),
    [("lamp.juggle", "offers no verb 'juggle'; it offers light, put_out"), ("juggle", "no hook 'juggle'"),
     ("shade.draw", "shade offers no verb 'draw'; it offers none")],
)  # fmt: skip
def test_a_verb_that_is_not_there_is_refused_with_those_that_are(onhand, verb, because):
    result = onhand("addon", "explain", verb, "--entity", "A")
    assert (result.exit_code, because in result.stderr) == (1, True)
