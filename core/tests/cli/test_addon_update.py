"""`onhand addon update`: a plugin follows a newer template with nothing but what its own repository and a wheel hold."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner
from onhand.cli import addon_template, addon_update, main

pytest.importorskip("copier")

BY = ("-c", "user.name=Partner", "-c", "user.email=partner@example.org")


def onhand(*words: object):
    return CliRunner().invoke(main, ["addon", *map(str, words)], prog_name="onhand")


def git(folder: Path, *words: str) -> str:
    return subprocess.run(["git", *BY, *words], cwd=folder, check=True, capture_output=True, text=True).stdout


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text, f"{path} has no {old!r}"
    path.write_text(text.replace(old, new, 1))


@pytest.fixture
def scaffold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A template of our own, to make a newer one of, as the next wheel would bring it."""
    copy = tmp_path / "scaffold"
    shutil.copytree(addon_template.TEMPLATE, copy)
    monkeypatch.setattr(addon_template, "TEMPLATE", copy)
    return copy


@pytest.fixture
def plugin(tmp_path: Path, scaffold: Path) -> Path:
    """A plugin in a git repository, which its partner has changed."""
    assert onhand("new", "recalls", "--into", tmp_path).exit_code == 0
    folder = tmp_path / "onhand-recalls"
    change(folder / "pyproject.toml", 'version = "0.1.0"', 'version = "3.7.0"')
    change(folder / "README.md", "An add-on for Onhand.", "The recalls of our house.")
    (folder / "onhand_recalls" / "ours.py").write_text("OURS = 1\n")
    (folder / "logo.png").write_bytes(bytes(range(256)))
    (folder / "onhand_recalls" / "hooks.py").unlink()
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "Begin")
    return folder


def test_what_the_partner_changed_is_kept_what_the_template_brings_arrives_and_a_conflict_is_shown(
    plugin: Path, scaffold: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert onhand("update", plugin).output.endswith("follows the template already\n")
    for module in (addon_template, addon_update):
        monkeypatch.setattr(module, "template_version", lambda: "9.1.0")
    change(scaffold / "template" / "pyproject.toml.jinja", "line-length = 120", "line-length = 100")
    change(scaffold / "template" / "onhand_[[noun]]" / "services.py.jinja", '"""', '"""Newer: ')
    change(scaffold / "template" / "README.md.jinja", "An add-on for Onhand.", "An add-on for the suite.")
    (scaffold / "template" / "NEW.md.jinja").write_text("[[ label ]] is new here\n")
    (scaffold / "template" / "CHANGELOG.md.jinja").unlink()

    ended = onhand("update", plugin, "--json")
    told = json.loads(ended.stdout)
    assert (ended.exit_code, told["version"], told["conflicts"]) == (1, "9.1.0", ["README.md"])
    project = (plugin / "pyproject.toml").read_text()
    assert [line in project for line in ('version = "3.7.0"', "line-length = 100", '"onhand>=9.1.0"')] == [True] * 3
    assert (plugin / "onhand_recalls" / "services.py").read_text().startswith('"""Newer: ')
    assert (plugin / "NEW.md").read_text() == "Recalls is new here\n"
    assert not (plugin / "CHANGELOG.md").exists()
    assert (plugin / "onhand_recalls" / "ours.py").read_text() == "OURS = 1\n"
    assert (plugin / "logo.png").read_bytes() == bytes(range(256))
    assert not (plugin / "onhand_recalls" / "hooks.py").exists(), "what was deleted does not come back"
    both = (plugin / "README.md").read_text()
    said = (
        "<<<<<<< before updating",
        "The recalls of our house.",
        "An add-on for the suite.",
        ">>>>>>> after updating",
    )
    assert [both.count(line) for line in said] == [1] * 4
    git(plugin, "add", "-A")
    git(plugin, "commit", "-q", "-m", "Follow")
    assert onhand("update", plugin).output.endswith("follows the template already\n")


@pytest.mark.parametrize(
    ("than", "name"),
    [("0.1.0", "1.4.0"), ("1.4.0", "1.4.0.post1"), ("1.4.0.post1", "1.4.0.post2"), ("1.5", "1.5.post1")],
)
def test_a_template_that_comes_later_is_called_so(monkeypatch: pytest.MonkeyPatch, than: str, name: str) -> None:
    monkeypatch.setattr(addon_template, "template_version", lambda: "1.4.0")
    assert addon_template.newer(than) == name


def test_what_cannot_be_updated_is_left_as_it_is(plugin: Path, scaffold: Path, tmp_path: Path) -> None:
    change(scaffold / "template" / "README.md.jinja", "An add-on for Onhand.", "An add-on.")
    (plugin / "half.py").touch()
    before = git(plugin, "status", "--porcelain")
    ended = onhand("update", plugin)
    assert (ended.exit_code, "commit or stash" in ended.output) == (1, True)
    assert git(plugin, "status", "--porcelain") == before
    ended = onhand("update", tmp_path)
    assert (ended.exit_code, "was not made by `onhand addon new`" in ended.output) == (1, True)
