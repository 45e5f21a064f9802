"""`onhand addon update`: a plugin's repository follows the template of a newer Onhand, keeping what was changed in it."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from onhand.cli.addon_template import KEPT, SOURCE, kept, newer, put_versions, template, template_version
from onhand.cli.exits import Missing, Refused
from onhand.cli.output import as_json_option, done

__all__ = ["update"]

ANSWERS = ".copier-answers.yml"
COMMIT = re.compile(r"^_commit: ['\"]?([^'\"\s]+)", re.MULTILINE)
UNMERGED = ("diff", "--name-only", "--diff-filter=U")
CHANGED = ("status", "--porcelain", "-uall")


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path), default=Path())
@as_json_option
def update(folder: Path, as_json: bool) -> None:
    """Bring a newer template over the plugin's repository in FOLDER, made by `onhand addon new`.

    Your own changes are kept; where both changed the same lines, the file holds both between markers, and the command ends
    with 1. Commit first: afterwards `git diff` shows what came, and `git checkout .` takes it back. Needs git and the extra
    `onhand[new]`.
    """
    _demand_tools()
    followed, then = _followed(folder)
    now = template()
    if now == then:
        done(
            {"updated": False, "changed": [], "conflicts": []},
            f"{folder} follows the template already",
            as_json=as_json,
        )
        return
    _demand_clean(folder)
    name = newer(followed)
    with TemporaryDirectory() as passing:
        repository = Path(passing) / "template"
        repository.mkdir()
        put_versions(repository, {followed: then, name: now})
        _run_copier(folder, repository, name, cache=Path(passing) / "cache")
    (folder / KEPT).write_text(kept(now))
    changed = sorted(line[3:] for line in _git(folder, *CHANGED) if line[3:] != KEPT)
    conflicts = sorted(set(_git(folder, *UNMERGED)))
    said = (
        f"{folder} follows the template of {name}: {len(changed)} files changed; look at `git diff` before you commit"
    )
    if conflicts:
        said += (
            "\nYou and the template changed the same lines. Choose between the markers, then `git add`: "
            + ", ".join(conflicts)
        )
    done({"updated": True, "version": name, "changed": changed, "conflicts": conflicts}, said, as_json=as_json)
    if conflicts:
        raise click.exceptions.Exit(Refused.exit_code)


def _followed(folder: Path) -> tuple[str, dict[str, str]]:
    """Return the version of the template that a repository follows, and that template."""
    answers, files = folder / ANSWERS, folder / KEPT
    if not answers.is_file() or not files.is_file():
        raise Refused(f"{folder} was not made by `onhand addon new`: {ANSWERS} and {KEPT} would be there")
    found = COMMIT.search(answers.read_text())
    if found is None:
        raise Refused(f"{answers} does not say which version of the template it follows: restore its line `_commit`")
    return found[1], json.loads(files.read_text())


def _demand_tools() -> None:
    if shutil.which("git") is None:
        raise Missing("this needs git on the path")
    try:
        import copier  # noqa: F401 - only whether it is installed
    except ImportError as error:
        raise Missing("this needs copier: pip install 'onhand[new]'") from error


def _demand_clean(folder: Path) -> None:
    try:
        changed = _git(folder, *CHANGED)
    except subprocess.CalledProcessError as error:
        raise Refused(f"{folder} is no git repository: `git init`, `git add .`, `git commit`, then again") from error
    if changed:
        raise Refused(f"{folder} has changes that are not committed: commit or stash them, then again")


def _run_copier(folder: Path, repository: Path, name: str, *, cache: Path) -> None:
    """Have Copier update a repository, taking the template for the one that its answers name."""
    number = int(os.environ.get("GIT_CONFIG_COUNT", "0"))
    here = {
        "GIT_CONFIG_COUNT": str(number + 1),
        f"GIT_CONFIG_KEY_{number}": f"url.{repository}.insteadOf",
        f"GIT_CONFIG_VALUE_{number}": SOURCE,
        "COPIER_CACHE_DIR": str(cache),
    }
    words = ("update", "--defaults", "--quiet", "--data", f"onhand={template_version()}", "--vcs-ref", name)
    ended = subprocess.run(  # noqa: S603 - a program of this environment
        [sys.executable, "-m", "copier", *words, str(folder)], env={**os.environ, **here}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    if ended.returncode:
        raise Refused(f"copier could not update {folder}: {ended.stderr.strip() or ended.stdout.strip()}")


def _git(folder: Path, *words: str) -> list[str]:
    command = ["git", "-c", "core.quotePath=false", *words]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.splitlines()  # noqa: S603 - no shell, and nothing from outside
