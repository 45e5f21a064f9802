"""`onhand addon new`: a plugin's repository that works, to be changed into what is wanted."""

import keyword
import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from onhand.cli import addon_template
from onhand.cli.addon_template import KEPT, SOURCE, kept, template, template_version
from onhand.cli.exits import Missing, Refused
from onhand.cli.output import as_json_option, done

__all__ = ["new", "write_repository"]

SAID = re.compile(r"^_src_path: .*$", re.MULTILINE)
TAKEN = frozenset({
    "actor", "base", "blueprint", "cause", "column", "draft", "exception_kind", "job_actor", "menu_item", "obligation",
    "permission", "place", "policy_type", "resource", "sample", "schedule", "schema", "select", "session", "taken", "tile",
    "where",
})  # fmt: skip
NOT_IN_VIEWS = frozenset(
    {"add", "close", "index", "page", "problems", "queries", "request", "schemas", "scope", "services"}
)
"""Things whose class, and nouns whose blueprint, would have the name of something else in the same file."""


@click.command()
@click.argument("noun")
@click.option("--thing", help="One of what it keeps, `recall` for `recalls` say. Default: the noun without its s.")
@click.option("--label", help="What people read in the menu. Default: the noun.")
@click.option(
    "--into", type=click.Path(file_okay=False, path_type=Path), default=Path(), help="The folder to make it in."
)
@click.option("--dry-run", is_flag=True, help="List the files that would be written.")
@as_json_option
def new(noun: str, thing: str | None, label: str | None, into: Path, dry_run: bool, as_json: bool) -> None:
    """Make a repository for an add-on called NOUN: table, page, REST resource, job, policy, exception kind, tests.

    It is installed and tested as it is; its README says where to begin. Needs the extra `onhand[new]`.
    """
    answers = _answers(noun, thing, label)
    folder = into / f"onhand-{noun.replace('_', '-')}"
    if folder.exists() and any(folder.iterdir()):
        raise Refused(f"{folder} is there already and not empty: remove it, or choose another folder with --into")
    files = write_repository(folder, answers, dry_run=dry_run)
    verb = "would be written" if dry_run else "written"
    said = f"{folder}: {len(files)} files {verb}"
    document: dict[str, Any] = {"folder": str(folder), "files": files, "dry_run": dry_run}
    listed = "".join(f"\n  {name}" for name in files)
    next_steps = listed if dry_run else f"\nThen: cd {folder} && pip install -e . --group dev && pytest"
    done(document, said + next_steps, as_json=as_json)


def write_repository(folder: Path, answers: dict[str, str], *, dry_run: bool = False) -> list[str]:
    """Render the template into a folder, and return the names of its files."""
    try:
        from copier import run_copy
    except ImportError as error:
        raise Missing("this needs copier: pip install 'onhand[new]'") from error
    with TemporaryDirectory() as passing:
        into = Path(passing) / folder.name if dry_run else folder
        run_copy(str(addon_template.TEMPLATE), into, data=answers, defaults=True, quiet=True)
        told = into / ".copier-answers.yml"
        told.write_text(SAID.sub(f"_commit: '{template_version()}'\n_src_path: {SOURCE}", told.read_text()))
        (into / KEPT).write_text(kept(template()))
        return sorted(str(path.relative_to(into)) for path in into.rglob("*") if path.is_file())


def _answers(noun: str, thing: str | None, label: str | None) -> dict[str, str]:
    """Return what the template asks; refuse names that could not be a schema, a package, a class and an address."""
    from onhand.addons.graph import NOUN
    from onhand.addons.graph import TAKEN as NOUNS_TAKEN

    one = thing or (noun.removesuffix("s") if noun.endswith("s") and not noun.endswith("ss") else "entry")
    for name, what in ((noun, "the noun"), (one, "the thing")):
        if not NOUN.fullmatch(name) or keyword.iskeyword(name) or len(name) > 30:
            raise click.UsageError(
                f"{what} {name!r} is no name for a schema, a package and an address: lower-case letters and digits in words "
                "joined by single underscores, at most 30 characters"
            )
    if noun in NOUNS_TAKEN | NOT_IN_VIEWS or noun.startswith("pg_"):
        raise click.UsageError(f"the noun {noun!r} is taken by PostgreSQL, by Onhand or by a file of every add-on")
    if one in TAKEN or one == noun:
        raise click.UsageError(f"the thing cannot be called {one!r}: say another with --thing")
    said = label or noun.replace("_", " ").capitalize()
    if not said.isprintable() or set(said) & set('"\\{}[]<>') or len(said) > 40:
        raise click.UsageError(f"the label {said!r} is to be plain text of at most 40 characters")
    return {
        "noun": noun,
        "thing": one,
        "label": said,
        "onhand": template_version(),
    }
