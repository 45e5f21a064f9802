"""`onhand addon new`: what it makes is installed and green as it is."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner
from onhand.cli import main

pytest.importorskip("copier")


def new(*words: object):
    return CliRunner().invoke(main, ["addon", "new", *map(str, words)], prog_name="onhand")


@pytest.mark.wheels
def test_a_new_plugin_whose_names_are_of_several_words_is_built_installed_and_passes_its_tests(tmp_path: Path) -> None:
    done = new("store_visits", "--thing", "visit_entry", "--label", "Visits", "--into", tmp_path, "--json")
    assert done.exit_code == 0, done.output
    folder = tmp_path / "onhand-store-visits"
    assert json.loads(done.stdout)["files"] == sorted(
        str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()
    )
    there = Installed(folder, tmp_path / "site")
    assert there.run("ruff", "check", "--no-cache", ".") == ""
    # The tutorial runs all of them, for a plugin whose names are plainer.
    assert " passed" in there.run("pytest", "-q", "-p", "no:cacheprovider", "-k", "it_keeps_to or test_store_visits")


class Installed:
    """A repository whose wheel is unpacked into a folder of its own, as an installer would, and put on the path."""

    def __init__(self, folder: Path, site: Path) -> None:
        self.folder, self.site = folder, site
        self.run("hatchling", "build", "-t", "wheel", "-d", "dist")
        [wheel] = (folder / "dist").glob("*.whl")
        with zipfile.ZipFile(wheel) as packed:
            packed.extractall(site)

    def run(self, program: str, *arguments: str) -> str:
        """Run a program of this environment there, and return what it says."""
        keep = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
        done = subprocess.run(
            [str(Path(sys.executable).with_name(program)), *arguments],
            cwd=self.folder, env={**keep, "PYTHONPATH": str(self.site)}, capture_output=True, text=True, check=False,
            timeout=300,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-6_000:] + done.stderr[-2_000:]
        return done.stdout.replace("All checks passed!\n", "")


def test_nothing_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "onhand-recalls").mkdir()
    planned = new("recalls", "--into", tmp_path, "--dry-run")
    assert (planned.exit_code, "\n  onhand_recalls/plugin.py\n" in planned.stdout) == (0, True)
    assert [*(tmp_path / "onhand-recalls").iterdir()] == []
    (tmp_path / "onhand-recalls" / "mine").touch()
    done = new("recalls", "--into", tmp_path)
    assert (done.exit_code, "is there already" in done.stderr) == (1, True)


@pytest.mark.parametrize(
    "words",
    [
        ["Recalls"], ["public"], ["class"], ["pg_recalls"], ["services"], ["recalls", "--thing", "recalls"],
        ["recalls", "--thing", "tile"], ["recalls", "--label", 'a"b'], ["r" * 31],
    ],
)  # fmt: skip
def test_names_that_would_not_work_are_refused(words: list[str], tmp_path: Path) -> None:
    done = new(*words, "--into", tmp_path)
    assert (done.exit_code, [*tmp_path.iterdir()]) == (2, [])
