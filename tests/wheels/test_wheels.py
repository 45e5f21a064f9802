"""Each add-on's folder, moved out of the tree, builds a wheel that works with its requirements alone."""

import os
import subprocess
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from .environment import build, closure, copy_out, distributions, make, tools

pytestmark = pytest.mark.wheels

OURS = distributions()
TESTED = sorted(set(OURS) - {"onhand"})
MINUTES_MAX = 10
FOUND = """
import importlib, sys
for name in sys.argv[1:]:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        assert error.name == name
    else:
        print(name)
"""


@dataclass(frozen=True)
class MovedOut:
    """A distribution outside of the tree: its folder, without the code, and an environment with its wheel."""

    folder: Path
    python: Path
    package: str

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Python there, without what this process has in its environment."""
        keep = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
        return subprocess.run(
            [self.python, *arguments],
            cwd=self.folder,
            env=keep,
            capture_output=True,
            text=True,
            timeout=MINUTES_MAX * 60,
            check=False,
        )


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Build a distribution's wheel from a copy of its folder, once."""
    place = tmp_path_factory.mktemp("wheels")

    @cache
    def built(name: str) -> Path:
        return build(copy_out(OURS[name], place))

    return built


@pytest.fixture(scope="session")
def move_out(wheel: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], MovedOut]:
    """Move a distribution out and install it with its requirements."""

    @cache
    def moved(name: str) -> MovedOut:
        place = tmp_path_factory.mktemp(name)
        folder = copy_out(OURS[name], place)
        project = tomllib.loads((folder / "pyproject.toml").read_text())
        needed = closure([name, "onhand[testing]", *tools()])
        wheels = [wheel(each) for each in sorted(needed & OURS.keys())]
        python = make(place / "environment", wheels, needed - OURS.keys())
        [package] = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
        (folder / package).rename(place / "code")  # what is tested is the wheel
        return MovedOut(folder, python, package)

    return moved


@pytest.mark.parametrize("name", TESTED)
def test_its_own_tests_pass_there(move_out: Callable[[str], MovedOut], name: str) -> None:
    """A plugin's are run whole, as its author runs them. An add-on's are all imported, and its contract is run.

    The rest of an add-on's tests is run in the tree, on a site of the add-ons that it requires.
    """
    there = move_out(name)
    options = (
        "-q",
        "--import-mode=importlib",
        "-p",
        "no:cacheprovider",
        "-W",
        "error",
        "-m",
        "not browser and not whole",
    )
    markers = "--override-ini=markers=browser: needs Chromium\nwhole: runs everything there is"
    runs = (
        [["tests"]]
        if OURS[name].parent.name == "plugins"
        else [["tests", "--collect-only"], ["tests/test_contract.py"]]
    )
    for run in runs:
        done = there.run("-m", "pytest", *options, markers, *run)
        assert done.returncode == 0, done.stdout[-8_000:] + done.stderr[-2_000:]


@pytest.mark.parametrize("name", TESTED)
def test_nothing_but_its_requirements_is_there(move_out: Callable[[str], MovedOut], name: str) -> None:
    """The control of the test above: an import of what is not declared fails."""
    there = move_out(name)
    assert there.run("-c", f"import {there.package}.plugin").returncode == 0
    others = [other.replace("-", "_") for other in sorted(OURS.keys() - closure([name]))]
    assert there.run("-c", FOUND, *others).stdout.split() == []
    assert there.run("-c", FOUND, *others, there.package).stdout.split() == [there.package]
