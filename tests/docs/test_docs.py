"""Docs cannot rot: links lead somewhere, commands exist, the reference is what the code says, entries stay short."""

import re
import shlex
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import click
import pytest
from onhand.cli import main
from onhand.config import OUTSIDE, Settings

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    path
    for folder in (ROOT, ROOT / "docs", ROOT / "core", ROOT / "addons", ROOT / "plugins")
    for path in (folder.glob("*.md") if folder == ROOT else folder.rglob("*.md"))
    if not {".venv", "node_modules", "static", "build", "dist"} & set(path.parts)
)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"`([^`\n]+)`")
BLOCK = re.compile(r"```(?:sh|console|bash)\n(.*?)```", re.DOTALL)
GLOSSARY_WORDS_MAX = 40
README_LINES_MAX = 120


def ids(path: Path) -> str:
    return str(path.relative_to(ROOT))


def commands(text: str) -> list[str]:
    """Return the commands of `make` and `onhand` that a page shows, in code or in blocks for the shell."""
    shown = [line.strip().removeprefix("$ ") for block in BLOCK.findall(text) for line in block.splitlines()]
    shown += CODE.findall(BLOCK.sub("", text))
    return [line for line in shown if line.startswith(("onhand ", "make "))]


@pytest.mark.parametrize("doc", PAGES, ids=ids)
def test_links_lead_somewhere(doc: Path) -> None:
    targets = [link.partition("#")[0] for link in LINK.findall(doc.read_text()) if "://" not in link]
    assert [target for target in targets if target and not (doc.parent / target).exists()] == []


@pytest.mark.parametrize("doc", PAGES, ids=ids)
def test_commands_exist(doc: Path) -> None:
    assert [fault for shown in commands(doc.read_text()) if (fault := misused(shown))] == []


@pytest.mark.parametrize(
    "shown",
    ["onhand juggle", "onhand token juggle", "onhand token create --juggle", "make juggle"],
)
def test_a_command_that_does_not_exist_is_noticed(shown: str) -> None:
    assert misused(shown)


def misused(shown: str) -> str:
    """Return what is wrong with a command as shown, or nothing. `A | B` and `…` stand for more than can be checked."""
    words = shlex.split(shown.partition(" | ")[0].partition("#")[0].replace("…", "").replace("...", ""))
    if words[0] == "make":
        targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
        unknown = [word for word in words[1:] if "=" not in word and word not in targets]
        return f"{shown}: the Makefile has no {unknown}" if unknown else ""
    command: click.Command = main
    context = click.Context(main, info_name="onhand")
    rest = words[1:]
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        found = command.get_command(context, rest[0])
        if found is None:
            return f"{shown}: there is no command {rest[0]}"
        command, rest = found, rest[1:]
    known = {option for param in command.get_params(context) for option in [*param.opts, *param.secondary_opts]}
    known |= {"-h", "--help"}
    unknown = [word for word in rest if word.startswith("-") and word != "-" and word.partition("=")[0] not in known]
    return f"{shown}: there are no options {unknown}" if unknown else ""


def test_the_reference_is_what_the_code_says() -> None:
    """In a process of its own: what other tests define must not count."""
    script = Path(__file__).with_name("reference.py")
    done = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_page_of_the_reference_is_listed() -> None:
    folder = ROOT / "docs" / "reference"
    listed = set(LINK.findall((folder / "README.md").read_text()))
    assert {path.name for path in folder.glob("*.md")} == listed | {"README.md"}


def test_settings_are_told_with_their_defaults() -> None:
    told = re.findall(
        r"^\| `(\w+)` \| (?:`([^`]*)`)? *\|", (ROOT / "docs/reference/settings.md").read_text(), re.MULTILINE
    )
    named = {OUTSIDE.get(field.name, f"ONHAND_{field.name.upper()}"): str(field.default) for field in fields(Settings)}
    assert dict(told) == named


def test_glossary_entries_are_short() -> None:
    entries = re.findall(r"^\*\*(.+?)\*\* — (.+)$", (ROOT / "docs/glossary.md").read_text(), re.MULTILINE)
    assert len(entries) > 30
    assert [word for word, said in entries if len(said.split()) > GLOSSARY_WORDS_MAX] == []
    assert len({word for word, _ in entries}) == len(entries)


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= README_LINES_MAX


def test_decisions_are_numbered_once() -> None:
    records = sorted((ROOT / "docs/decisions").glob("[0-9]*.md"))
    numbers = [int(path.name.partition("-")[0]) for path in records]
    assert len(set(numbers)) == len(numbers)
    for path, number in zip(records, numbers, strict=True):
        assert path.read_text().startswith(f"# {number}. "), path.name
