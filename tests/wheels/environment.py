"""An environment with one distribution, what it requires, and what its tests run with: nothing else, and no network."""

import os
import shutil
import subprocess
import sys
import tomllib
import venv
from collections.abc import Iterable, Iterator
from importlib import metadata
from importlib.util import cache_from_source
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LEFT_OUT = shutil.ignore_patterns("__pycache__", ".*", "build", "dist")


def distributions() -> dict[str, Path]:
    """Return the folder of every distribution of this tree, by its canonical name."""
    folders = [ROOT / "core", *sorted((ROOT / "addons").iterdir()), *sorted((ROOT / "plugins").iterdir())]
    return {
        canonicalize_name(tomllib.loads((folder / "pyproject.toml").read_text())["project"]["name"]): folder
        for folder in folders
        if (folder / "pyproject.toml").exists()
    }


def closure(requirements: Iterable[str]) -> set[str]:
    """Return the canonical names of all that these requirements bring in, as installed here."""
    reached: set[tuple[str, str]] = set()
    waiting = [Requirement(line) for line in requirements]
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        for extra in {"", *requirement.extras}:
            if (name, extra) in reached:
                continue
            reached.add((name, extra))
            for line in metadata.distribution(name).requires or []:
                needed = Requirement(line)
                if needed.marker is None or needed.marker.evaluate({"extra": extra}):
                    waiting.append(needed)
    return {name for name, _ in reached}


def tools() -> list[str]:
    """Return what tests run with: the site's development group."""
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    return list(groups["dev"])


def copy_out(folder: Path, to: Path) -> Path:
    """Copy a distribution's folder out of the tree, as a partner would have it, and return where it is."""
    shutil.copytree(folder, to / folder.name, ignore=LEFT_OUT)
    return to / folder.name


def build(folder: Path) -> Path:
    """Build a wheel from a folder; nothing but the folder is looked at."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", "dist"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    [wheel] = (folder / "dist").glob("*.whl")
    return wheel


def make(folder: Path, wheels: Iterable[Path], third_party: Iterable[str]) -> Path:
    """Make an environment of these wheels and packages, and return its Python."""
    venv.create(folder, with_pip=False, symlinks=True)
    python = folder / "bin" / "python"
    site = next((folder / "lib").glob("python3*")) / "site-packages"
    for name in third_party:
        for source, place in _files(name, site):
            place.parent.mkdir(parents=True, exist_ok=True)
            _link(source, place)
    uv = shutil.which("uv", path=f"{ROOT / '.tools' / 'bin'}{os.pathsep}{os.environ['PATH']}")
    assert uv, "uv installs the wheels: run `make test`"
    install = [uv, "pip", "install", "-q", "--offline", "--no-deps", "--python", str(python), *map(str, wheels)]
    subprocess.run(install, check=True, cwd=folder)
    return python


def _files(name: str, site: Path) -> Iterator[tuple[Path, Path]]:
    """Yield the files of an installed package and where they go; scripts are left out, their modules are called."""
    distribution = metadata.distribution(name)
    for path in distribution.files or []:
        if ".." not in path.parts and "__pycache__" not in path.parts:
            source = Path(str(distribution.locate_file(path)))
            yield source, site / path
            if path.suffix == ".py":  # what is compiled here need not be compiled there: it goes by the source's date
                compiled = Path(cache_from_source(source))
                yield compiled, (site / path).parent / "__pycache__" / compiled.name


def _link(source: Path, place: Path) -> None:
    if not source.exists() or place.exists():
        return
    try:
        place.hardlink_to(source)
    except OSError:
        shutil.copy2(source, place)
