"""Walk a page as its reader would: every file it shows is written, every change made, every command run and compared."""

import contextlib
import multiprocessing
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple
from zipfile import ZipFile

__all__ = ["Step", "Walk", "steps"]

FENCE = re.compile(r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)
BIN = Path(sys.executable).parent
KNOWN = ["onhand.cli", "onhand.app", "onhand_stock.plugin", "onhand_reservations.plugin", "onhand_exceptions.plugin",
         "copier", "hatchling.build"]  # fmt: skip
"""What most commands import: once for all of them, in a process that each is a fork of."""


class Step(NamedTuple):
    """A fenced block of a page: what it is in, which file it is of, and what it says."""

    kind: str
    title: str
    text: str


def steps(page: str) -> list[Step]:
    """Return the fenced blocks of a page, in its order."""
    return [Step(*found) for found in FENCE.findall(page)]


@dataclass
class Walk:
    """A reader at a shell of their own. What pip would fetch is there already, so only its effect is brought about."""

    home: Path
    environment: Mapping[str, str]
    here: Path = field(init=False)
    said: str = ""

    def __post_init__(self) -> None:
        self.here = self.home
        self.installed = self.home / ".installed"
        self.installed.mkdir()

    def take(self, step: Step) -> None:
        """Do what a block asks for; AssertionError where it does not do what the page says."""
        match step.kind:
            case "sh":
                self.said = "".join(self.run(line) for line in step.text.splitlines())
            case "text":
                assert told(self.said, step.text), f"the page says\n{step.text}\nand it was\n{self.said}"
            case "python":
                path = self.here / step.title
                path.write_text(f"{path.read_text()}\n\n{step.text}" if path.exists() else step.text)
            case "diff":
                path = self.here / step.title
                path.write_text(changed(path.read_text(), step.text, step.title))
            case _:
                raise AssertionError(f"nobody knows what to do with a block of {step.kind}")

    def run(self, line: str) -> str:
        """Run a command, and return what it says; AssertionError where it fails."""
        words = shlex.split(line)
        match words:
            case ["cd", folder]:
                self.here /= folder
                return ""
            case ["pip", "install", *_]:
                return self._fork(line, _install, str(self.installed))
            case ["pip", "uninstall", *_, name]:
                return self._shell(f"rm -r {self.installed}/* {name.replace('-', '_')}")
            case ["onhand", *rest]:
                return self._fork(line, _onhand, *rest)
        return self._shell(line)

    @property
    def _around(self) -> dict[str, str]:
        path = os.pathsep.join(map(str, (self.here, self.installed)))
        return {**self.environment, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": path}

    def _shell(self, line: str) -> str:
        done = subprocess.run(
            ["/bin/sh", "-c", line], cwd=self.here, env=self._around, capture_output=True, text=True, check=False,
            timeout=300,
        )  # fmt: skip
        assert done.returncode == 0, f"{line}\n{done.stdout[-6_000:]}{done.stderr[-3_000:]}"
        return done.stdout

    def _fork(self, line: str, target: object, *words: str) -> str:
        """Do in a fork of a process that knows the imports what a new process would do, and sooner."""
        server = multiprocessing.get_context("forkserver")
        server.set_forkserver_preload(KNOWN)
        said = self.home / ".said"
        child = server.Process(target=_become, args=(target, words, self._around, str(self.here), str(said)))
        child.start()
        child.join(300)
        assert child.exitcode == 0, f"{line}\n{said.read_text()[-6_000:]}"
        return said.read_text()


def _become(target, words, environment, here, said) -> None:
    with Path(said).open("w") as file:
        for stream in (1, 2):
            os.dup2(file.fileno(), stream)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(here)
    sys.path[:0] = environment["PYTHONPATH"].split(os.pathsep)
    target(*words)


def _onhand(*words: str) -> None:
    from onhand.cli import main

    main(words, prog_name="onhand")


def _install(folder: str) -> None:
    from hatchling.build import build_wheel

    with contextlib.redirect_stdout(None):
        wheel = build_wheel(folder)
    ZipFile(Path(folder) / wheel).extractall(folder)


def told(said: str, shown: str) -> bool:
    """Say whether what was said is what is shown; `…` stands for anything, white space for white space."""
    pattern = r".*".join(r"\s+".join(map(re.escape, part.split())) for part in shown.split("…"))
    return re.search(pattern.replace(r".*", r"[\s\S]*"), said) is not None


def changed(text: str, diff: str, name: str) -> str:
    """Return a text after a change: of each hunk, what it takes away and keeps is there once."""
    for hunk in re.split(r"^@@\n", diff, flags=re.MULTILINE):
        lines = hunk.splitlines(keepends=True)
        old = "".join(line[1:] or "\n" for line in lines if not line.startswith("+"))
        new = "".join(line[1:] or "\n" for line in lines if not line.startswith("-"))
        assert text.count(old) == 1, f"{name}: this is there {text.count(old)} times\n{old}"
        text = text.replace(old, new)
    return text
