"""Write `docs/reference` from the code: `make docs`. A test compares, so that the pages cannot fall behind."""

import importlib
import inspect
import pkgutil
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import architecture
import click
import surface
from onhand.addons import Addons, discover
from onhand.cli import main
from onhand.hooks import kind_of
from onhand.policies.values import wanted
from onhand.problems import catalogue

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference"
NOTE = "<!-- Written by `make docs` from the code: change it there. -->\n"
ARCHITECTURE = (
    "A core that knows no add-on, and add-ons that require each other as ordinary packages do: the drawing is read off the"
    " packaging metadata. What others bring along is left out. [Why it is built this way](../why.md)."
)


def pages() -> dict[str, str]:
    """Return the text of every page that is written from the code, by its file name."""
    addons = Addons(discover())
    return {
        "hooks.md": _hooks(addons),
        "api.md": _names(addons),
        "permissions.md": _permissions(addons),
        "policies.md": _policies(addons),
        "exceptions.md": _exceptions(addons),
        "invariants.md": _invariants(addons),
        "jobs.md": _jobs(addons),
        "commands.md": _commands(),
        "files.md": _files(addons),
        "problems.md": _problems(addons),
        "architecture.md": _page("Architecture", ARCHITECTURE, *architecture.page(addons)),
        "architecture.svg": NOTE + architecture.drawing(addons),
    }


def _page(title: str, said: str, *lines: str) -> str:
    return "\n".join([NOTE, f"# {title}", "", said, "", *lines]).rstrip() + "\n"


def _row(*cells: object) -> str:
    return "| " + " | ".join(re.sub(r"\s+", " ", str(cell)).replace("|", "\\|").strip() for cell in cells) + " |"


def _table(*heads: str) -> tuple[str, str]:
    return _row(*heads), "|" + "---|" * len(heads)


def _hooks(addons: Addons) -> str:
    lines: list[str] = []
    specs = surface.specs(addons)
    for module in dict.fromkeys(spec.__module__ for spec in specs.values()):
        owner = module.partition(".")[0]
        lines += [f"## Offered by `{owner}`", ""]
        for name, spec in specs.items():
            if spec.__module__ == module:
                used = addons.implementers(name)
                lines += [
                    f"### {name}",
                    "",
                    f"`{name}{surface.spelt(spec)}`",
                    "",
                    f"**{kind_of(spec)}**{_said(spec).removeprefix(kind_of(spec))}",
                    "",
                ]
                lines += [_users(used), ""] if used else []
    return _page(
        "Hooks",
        "An add-on takes part by implementing hooks in its `plugin.py`, marked with `hookimpl`. Their five kinds are told in"
        " [how to write an add-on](../how-to/add-on.md).",
        *lines,
    )


def _users(nouns: list[str]) -> str:
    """Name who implements a hook, in the order in which they are asked."""
    first, *others = (f"`{noun}`" for noun in nouns)
    return f"First user: {first}" + (f"; then {', '.join(others)}" if others else "") + "."


def _names(addons: Addons) -> str:
    lines: list[str] = []
    for module in surface.public_modules(addons):
        lines += [f"## `{module}`", "", *_names_of(module)]
    lines += [
        "## Not promised",
        "",
        (
            "Plugins made by `onhand addon new`, and tests, import these as well. What is listed here may be used; it is not"
            " frozen, and a version of Onhand may change it. The contract takes any name that a module of the core lists."
        ),
        "",
    ]
    for module in surface.other_modules(addons):
        lines += [f"## `{module}`", "", *_names_of(module)]
    return _page(
        "Names",
        "What add-ons may call and import, besides implementing [hooks](hooks.md): each is a promise, and none changes without"
        " a line in `CHANGELOG.md`. Which hooks a verb comes to: `onhand addon explain stock.post --entity NORTH`.",
        *lines,
    )


def _names_of(module: str) -> Iterator[str]:
    found = importlib.import_module(module)
    yield from (_said(found).partition("\n\n")[0], "", *_table("name", "is", "for"))
    for name in surface.names(module):
        thing = getattr(found, name)
        has_doc = inspect.isclass(thing) or inspect.isfunction(thing)
        yield _row(f"`{name}`", f"`{surface.spelt(thing)}`", _whole(thing) if has_doc else "")
    yield ""


def _whole(thing: Any) -> str:
    """Return all that a thing says of itself; nothing where its docstring is made up, or that of what it derives from."""
    said = _said(thing)
    return "" if said.startswith(f"{thing.__name__}(") or not thing.__doc__ else said


def _said(thing: Any) -> str:
    gone = surface.mark_of(thing)
    said = re.sub(r"[ \t]*\n[ \t]*", "\n", inspect.getdoc(thing) or "")
    return f"{said} *Deprecated {gone}.*" if gone else said


def _permissions(addons: Addons) -> str:
    rows = [_row(f"`{each.name}`", each.label) for each in addons.gather("permissions")]
    said = "A role holds permissions in the group, in an entity or at a location; a token holds some of them."
    return _page("Permissions", said, *_table("permission", "allows to"), *rows)


def _policies(addons: Addons) -> str:
    rows = [
        _row(f"`{each.name}`", each.label, wanted(each), each.default, ", ".join(each.scopes), each.help)
        for each in addons.gather("policies")
    ]  # fmt: skip
    said = (
        "Business rules that people set, from a date on: `onhand policy set NAME VALUE`. The most specific place wins."
    )
    return _page("Policies", said, *_table("policy", "label", "takes", "default", "may be set per", "meaning"), *rows)


def _exceptions(addons: Addons) -> str:
    rows = [
        _row(f"`{kind.name}`", kind.label, noun, kind.severity)
        for noun, kinds in addons.gather_by_addon("exception_kinds")
        for kind in kinds
    ]
    said = "Kinds of evidence that something is wrong. One exception per cause; kinds meet in it."
    return _page("Exception kinds", said, *_table("kind", "label", "add-on", "severity"), *rows)


def _invariants(addons: Addons) -> str:
    rows = [_row(each.code, each.name, each.explains) for each in addons.gather("invariants")]
    said = "The laws of the books, each one query that returns what breaks it: `onhand ledger verify` runs them all."
    return _page("Invariants", said, *_table("code", "law", "explained"), *rows)


def _jobs(addons: Addons) -> str:
    actors = {each.name: each for each in addons.gather("actors")}
    every = {each.actor.name: each.every or each.cron for each in addons.gather("schedules")}
    actors |= {each.actor.name: each.actor for each in addons.gather("schedules")}
    rows = [
        _row(f"`{name}`", _said(each.function), each.attempts, every.get(name, "when asked"))
        for name, each in sorted(actors.items())
    ]
    said = (
        "What is done after a commit or by the clock, at least once. What fails too often is parked: `onhand job list`."
    )
    return _page("Jobs", said, *_table("job", "does", "attempts", "every"), *rows)


def _commands() -> str:
    lines: list[str] = []
    with click.Context(main, info_name="onhand") as top:
        for path, command in _leaves(main, top, "onhand"):
            lines += [f"## {path}", "", _said_by(command), ""]
            options = [each for each in command.params if not getattr(each, "hidden", False)]
            if options:
                lines += [*_table("option", "meaning")]
                lines += [_row(*_option(each)) for each in options]
                lines += [""]
    said = "`onhand` exits with 0 when done, 1 when refused or differences were found, 2 when misused, 3 when a service is missing."
    return _page("Commands", said, *lines)


def _files(addons: Addons) -> str:
    rows = [_row(f"`{each.name}`", each.help, "yes") for each in addons.gather("importers")]
    names = {each.name for each in addons.gather("importers")}
    rows += [_row(f"`{each.name}`", each.help, "no") for each in addons.gather("exporters") if each.name not in names]
    said = (
        "What `onhand import NAME FILE` takes and `onhand export NAME FILE` writes: CSV in UTF-8 whose first line names the"
        " columns, in any order. `|` parts what one cell lists. `--dry-run` tells every fault by row and column."
    )
    return _page("Files", said, *_table("file", "columns", "imported"), *rows)


def _leaves(command: click.Command, context: click.Context, path: str) -> Iterator[tuple[str, click.Command]]:
    if not isinstance(command, click.Group):
        yield path, command
        return
    for name in command.list_commands(context):
        inner = command.get_command(context, name)
        if inner is not None:
            yield from _leaves(inner, context, f"{path} {name}")


def _said_by(command: click.Command) -> str:
    return re.sub(r"[ \t]*\n[ \t]*", "\n", inspect.cleandoc(command.help or ""))


def _option(param: click.Parameter) -> tuple[str, str]:
    if isinstance(param, click.Option):
        default = (
            ""
            if param.default in (None, False, ()) or callable(param.default) or not param.show_default
            else param.default
        )
        return f"`{'`, `'.join(param.opts)}`", f"{param.help or ''}{f' Default {default}.' if default else ''}"
    return f"`{param.make_metavar(click.Context(click.Command('x')))}`", "required" if param.required else ""


def _problems(addons: Addons) -> str:
    for package in ["onhand", *(addons.addon(noun).package for noun in addons.names)]:
        _import_all(package)
    rows = [_row(f"`{each.type}`", each.status, each.title, _said(each)) for each in _all_problems()]
    said = "What the API answers when it cannot do what was asked: RFC 9457 documents of these types, with the numbers as members."
    return _page("Problems", said, *_table("type", "status", "title", "meaning"), *rows)


def _all_problems() -> list[Any]:
    return sorted(catalogue().values(), key=lambda each: (each.status, each.type))


def _import_all(package: str) -> None:
    module = importlib.import_module(package)
    for found in pkgutil.walk_packages(module.__path__, f"{package}."):
        if not {"migrations", "migrate", "testing", "cli", "__main__"} & set(found.name.split(".")):
            importlib.import_module(found.name)


def stale(folder: Path = REFERENCE) -> list[str]:
    """Return the names of pages that are not as the code says, and of those that no code says any more."""
    written = pages()
    texts = {path.name: path.read_text() for path in folder.iterdir()}
    kept = {name: text for name, text in texts.items() if text.startswith(NOTE)}
    return sorted(name for name in written.keys() | kept.keys() if written.get(name) != kept.get(name))


if __name__ == "__main__":
    if sys.argv[1:] == ["--check"]:
        sys.exit(f"`make docs` would change {', '.join(behind)}" if (behind := stale()) else 0)
    REFERENCE.mkdir(exist_ok=True)
    for name in stale():
        (REFERENCE / name).unlink(missing_ok=True)
    for name, text in pages().items():
        (REFERENCE / name).write_text(text)
