"""House rules that are read off the source: who may import what, end transactions, read clocks, ask the database."""

import ast
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module, metadata
from pathlib import Path
from sys import stdlib_module_names
from typing import NamedTuple

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import onhand
from onhand.addons import Addon
from onhand.contract.subject import Subject

__all__ = [
    "Room",
    "clocks",
    "core_names",
    "declared",
    "extras_of",
    "public_doors",
    "rooms",
    "transactions",
    "verbs",
    "views",
]

WEB = frozenset({"flask", "flask_login", "flask_smorest", "werkzeug"})
CLOCKS = frozenset({"now", "utcnow", "today", "time", "time_ns"})
CLOCK_OWNERS = frozenset({"datetime", "date", "time"})
SESSION_CALLS = frozenset({"execute", "scalar", "scalars", "add", "add_all", "delete", "get", "flush", "merge"})
DOORS = frozenset({"api", "events", "hooks"})
JOINING = frozenset({"services", "models", "api"})


class Room(NamedTuple):
    """One file of a package: `name` is its first part, `services` of `services/holds.py`."""

    inside: Path
    name: str
    tree: ast.Module


def rooms(package: Path) -> list[Room]:
    """Return every file of a package, but for its migrations."""
    files = [path.relative_to(package) for path in sorted(package.rglob("*.py"))]
    return [
        Room(file, file.parts[0].removesuffix(".py"), _parsed(package / file, (package / file).stat().st_mtime_ns))
        for file in files
        if file.parts[0] != "migrations"
    ]


@cache
def _parsed(path: Path, _: int) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


def verbs(package: Path) -> Iterator[str]:
    """Yield lines by which verbs would know of requests, or open a transaction instead of joining one."""
    for room in rooms(package):
        for line, name in _imports(room.tree):
            if room.name == "services" and name.partition(".")[0] in WEB:
                yield f"{room.inside}:{line} imports {name}: verbs know nothing of requests"
            if room.name in JOINING and name == "onhand.transaction.run":
                yield f"{room.inside}:{line} imports run: verbs join the transaction they are given"


def public_doors(package: Path) -> Iterator[str]:
    """Yield imports of other add-ons' insides. Tests' makers (`testing`) may use each other's."""
    for room in rooms(package):
        for line, name in _imports(room.tree):
            top, _, rest = name.partition(".")
            allowed = DOORS | {"testing"} if room.name == "testing" else DOORS
            if top.startswith("onhand_") and top != package.name and rest.partition(".")[0] not in allowed:
                yield f"{room.inside}:{line} imports {name}: of other add-ons only api, events and hooks are public"


def core_names(package: Path) -> Iterator[str]:
    """Yield imports of what the core does not offer: names that begin with `_`, or that a module's `__all__` lacks."""
    for room in rooms(package):
        for line, name in _imports(room.tree):
            module, _, leaf = name.rpartition(".")
            if name.partition(".")[0] == "onhand" and not _is_offered(module, leaf):
                yield f"{room.inside}:{line} imports {name}, which the core does not offer"


def _is_offered(module: str, leaf: str) -> bool:
    if any(part.startswith("_") for part in (*module.split("."), leaf)):
        return False
    if not module:
        return True
    try:
        found = import_module(module)
    except ModuleNotFoundError:  # of `onhand.testing`, where what tests run by is not installed
        return leaf in _listed(module)
    offered = getattr(found, "__all__", None)
    return leaf in offered if offered is not None and hasattr(found, leaf) else True


def _listed(module: str) -> set[str]:
    """Return what a module of the core lists and the modules in it, by their sources alone."""
    place = Path(onhand.__file__).parent.joinpath(*module.split(".")[1:])
    source = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
    listed = {path.stem for path in place.glob("*.py")}
    for node in ast.parse(source.read_text()).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            listed |= {*ast.literal_eval(node.value)}
    return listed


def declared(subject: Subject) -> Iterator[str]:
    """Yield imports of what the distribution does not require: they work here and fail elsewhere.

    Files named after an extra may import it; `testing` may import what tests bring along.
    """
    required, optional = _requirements(subject.addon.distribution)
    extras = extras_of(subject.addon)
    for room in rooms(subject.package):
        if room.name == "testing":
            continue
        allowed = required | (optional if room.name in extras else set())
        for line, name in _imports(room.tree):
            top = name.partition(".")[0]
            if top in stdlib_module_names | {subject.package.name, "_typeshed"}:
                continue
            if not _providers(top) & allowed:
                yield f"{room.inside}:{line} imports {top}, which {subject.addon.distribution} does not require"


def extras_of(addon: Addon) -> set[str]:
    """Return the extras that an add-on declares, installed or not: files named after one import what it brings."""
    try:
        declared = metadata.metadata(addon.distribution).get_all("Provides-Extra") or ()
    except metadata.PackageNotFoundError:  # code on the path, of no installed distribution
        declared = ()
    return {*addon.extras, *declared}


def _requirements(distribution: str) -> tuple[set[str], set[str]]:
    required: set[str] = set()
    optional: set[str] = set()
    for requirement in map(Requirement, metadata.requires(distribution) or []):
        is_required = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        (required if is_required else optional).add(canonicalize_name(requirement.name))
    return required, optional


@cache
def _providers(top: str) -> frozenset[str]:
    """Return the distributions that bring a package; ours are named after theirs, installed for editing or not."""
    if top == "onhand" or top.startswith("onhand_"):
        return frozenset({canonicalize_name(top)})
    return frozenset(canonicalize_name(each) for each in _packages().get(top, ()))


@cache
def _packages() -> dict[str, list[str]]:
    return dict(metadata.packages_distributions())


def transactions(package: Path) -> Iterator[str]:
    """Yield lines that end a transaction: only the core's `run` does."""
    yield from _calls(package, lambda _, owner, name: (
        f"calls {owner}.{name}(): only run() ends a transaction"
        if name == "commit" or (name == "rollback" and owner.endswith("session")) else ""
    ))  # fmt: skip


def clocks(package: Path) -> Iterator[str]:
    """Yield lines of verbs that read a clock of this machine."""
    yield from _calls(package, lambda room, owner, name: (
        f"calls {owner}.{name}(): verbs are handed the database's clock"
        if room == "services" and name in CLOCKS and owner.rpartition(".")[2] in CLOCK_OWNERS else ""
    ))  # fmt: skip


def views(package: Path) -> Iterator[str]:
    """Yield lines of views that ask the database themselves."""
    yield from _calls(package, lambda room, owner, name: (
        f"calls session.{name}(): views load through queries and write through verbs"
        if room == "views" and owner == "session" and name in SESSION_CALLS else ""
    ))  # fmt: skip


def _calls(package: Path, fault: Callable[[str, str, str], str]) -> Iterator[str]:
    for room in rooms(package):
        for node in ast.walk(room.tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                said = fault(room.name, ast.unparse(node.func.value), node.func.attr)
                if said:
                    yield f"{room.inside}:{node.lineno} {said}"


def _imports(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield (line, dotted name) of whatever is imported, what only types need included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)
