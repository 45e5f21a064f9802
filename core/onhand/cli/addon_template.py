"""The template of `onhand addon new`: what a repository keeps of it, so that a newer one can follow from packages alone."""

import json
import os
import subprocess
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

from packaging.version import Version

__all__ = ["KEPT", "SOURCE", "kept", "newer", "put_versions", "template", "template_version"]

TEMPLATE = Path(__file__).parents[1] / "scaffold"
KEPT = ".onhand-template.json"
"""The file in a plugin's repository that keeps the template it follows: what a next one is compared with."""
SOURCE = "onhand://addon-template.git"
"""Where Copier is told that the template is. `onhand addon update` answers for this address; nobody else does."""
QUIET = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
BY = ("-c", "user.name=Onhand", "-c", "user.email=template@onhand.invalid", "-c", "core.autocrlf=false")


def template() -> dict[str, str]:
    """Return the files of the installed template: text by path."""
    paths = sorted(path for path in TEMPLATE.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(TEMPLATE).as_posix(): path.read_text() for path in paths}


def template_version() -> str:
    """Return the version of the installed template, which is that of the core."""
    return version("onhand")


def newer(than: str) -> str:
    """Return what to call the installed template so that it is newer than another version."""
    old, installed = Version(than), template_version()
    return installed if Version(installed) > old else f"{old.base_version}.post{(old.post or 0) + 1}"


def put_versions(folder: Path, versions: Mapping[str, Mapping[str, str]]) -> None:
    """Make a git repository of versions of the template, each a commit with a tag of that name."""
    _git(folder, "init", "-q")
    for name, files in versions.items():
        _git(folder, "rm", "-rqf", "--ignore-unmatch", ".")
        for path, text in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)
        _git(folder, "add", "-Af")
        _git(folder, "commit", "-q", "--allow-empty", "-m", name)
        _git(folder, "tag", name)


def kept(files: Mapping[str, str]) -> str:
    """Return a template as `KEPT` has it."""
    return json.dumps(files, indent=1, ensure_ascii=False) + "\n"


def _git(folder: Path, *words: str) -> None:
    subprocess.run(["git", *BY, *words], cwd=folder, env={**os.environ, **QUIET}, check=True, capture_output=True)  # noqa: S603, S607 - git, as it is on the path
