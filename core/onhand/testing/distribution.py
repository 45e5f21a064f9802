"""Which distribution a test belongs to, and which add-ons that one may count on."""

import tomllib
from functools import cache
from pathlib import Path

import pytest

from onhand.addons import Addon, discover
from onhand.addons.graph import GROUP

__all__ = ["addons_of", "distribution_of", "with_requirements"]


def distribution_of(path: Path) -> Path | None:
    """Return the folder of the distribution a file lies in: the nearest whose `pyproject.toml` builds a package."""
    for folder in path.resolve().parents:
        if "build-system" in _project(folder):
            return folder
    return None


def addons_of(path: Path) -> list[Addon]:
    """Return the add-on a file belongs to after those it requires; none for the core's; all where it is no one's."""
    folder = distribution_of(path)
    if folder is None:
        return discover()
    return with_requirements(set(_project(folder).get("project", {}).get("entry-points", {}).get(GROUP, {})))


def with_requirements(nouns: set[str]) -> list[Addon]:
    """Return these add-ons, each after those it requires; where one is not installed, the test that asks is skipped.

    So a distribution moved out of its tree passes its own tests, with what it requires and nothing beside it.
    """
    installed, wanted = discover(), set(nouns)
    if absent := sorted(wanted - {addon.noun for addon in installed}):
        pytest.skip(f"not installed: {', '.join(absent)}")
    for addon in reversed(installed):  # requirements come first, so backwards one pass suffices
        if addon.noun in wanted:
            wanted.update(addon.requires)
    return [addon for addon in installed if addon.noun in wanted]


@cache
def _project(folder: Path) -> dict[str, dict[str, dict[str, dict[str, str]]]]:
    file = folder / "pyproject.toml"
    return tomllib.loads(file.read_text()) if file.exists() else {}
