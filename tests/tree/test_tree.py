"""The tree itself: the same rooms everywhere, no drawers for everything, boundaries that hold."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = [
    ROOT / "core",
    *sorted(path.parent for folder in ("addons", "plugins") for path in (ROOT / folder).glob("*/pyproject.toml")),
]
ADDONS = [folder for folder in FOLDERS if folder.parent.name == "addons"]
DRAWERS = {"utils", "util", "helpers", "helper", "common", "manager", "managers", "base", "misc"}
LINES_MAX = 400


def project(folder: Path) -> dict:
    return tomllib.loads((folder / "pyproject.toml").read_text())


def package(folder: Path) -> Path:
    [name] = project(folder)["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    return folder / name


def ids(folder: Path) -> str:
    return str(folder.relative_to(ROOT))


@pytest.mark.parametrize("folder", FOLDERS, ids=ids)
def test_no_module_is_a_drawer_for_everything(folder: Path) -> None:
    assert [str(path) for path in package(folder).rglob("*.py") if path.stem in DRAWERS] == []


@pytest.mark.parametrize("folder", FOLDERS, ids=ids)
def test_no_module_is_too_long_to_read(folder: Path) -> None:
    long = {ids(path): len(path.read_text().splitlines()) for path in package(folder).rglob("*.py")}
    assert {name: lines for name, lines in long.items() if lines > LINES_MAX} == {}


@pytest.mark.parametrize("folder", FOLDERS, ids=ids)
def test_every_distribution_is_typed_described_and_tested(folder: Path) -> None:
    assert (package(folder) / "py.typed").exists()
    assert project(folder)["project"]["description"]
    assert any((folder / "tests").rglob("test_*.py"))
    assert folder.name == "core" or (folder / "README.md").exists()


@pytest.mark.parametrize("folder", ADDONS, ids=ids)
def test_every_addon_keeps_the_contract(folder: Path) -> None:
    contract = (folder / "tests" / "test_contract.py").read_text()
    assert "(AddonContract)" in contract
    assert f'addon = "{folder.name}"' in contract


def test_no_distribution_is_forgotten() -> None:
    """Types, boundaries and the site's own requirements name every distribution."""
    site = project(ROOT)
    packages = {package(folder).name for folder in FOLDERS}
    assert set(site["tool"]["mypy"]["packages"]) == packages
    assert set(site["tool"]["importlinter"]["root_packages"]) == packages
    assert set(site["tool"]["uv"]["sources"]) == {project(folder)["project"]["name"] for folder in FOLDERS}


IMPORTS = {
    "from onhand_two.api import offer": 0,
    "from onhand_two.testing import make": 1,
    "from onhand_two.services import hidden": 1,
    "from onhand_two import services": 1,
}


@pytest.mark.parametrize(("line", "code"), IMPORTS.items())
def test_the_boundary_between_addons_is_noticed(tmp_path: Path, line: str, code: int) -> None:
    for name in ("onhand_one/__init__.py", "onhand_one/plugin.py", "onhand_two/__init__.py", "onhand_two/api.py",
                 "onhand_two/services.py", "onhand_two/testing.py"):  # fmt: skip
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(line if name == "onhand_one/plugin.py" else "")
    (tmp_path / "boundary.py").write_text((Path(__file__).parent / "doors.py").read_text())
    (tmp_path / "pyproject.toml").write_text("""
        [tool.importlinter]
        root_packages = ["onhand_one", "onhand_two"]
        contract_types = ["doors: boundary.PublicDoors"]
        [[tool.importlinter.contracts]]
        name = "doors"
        type = "doors"
        packages = ["onhand_one", "onhand_two"]
        doors = ["api"]
        back_doors = ["testing"]
    """)
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter, "--no-cache"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout
    assert ("onhand_one.plugin imports onhand_two." in done.stdout) == bool(code)
