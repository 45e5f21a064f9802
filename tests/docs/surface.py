"""The public surface: every hook, event and public name, as the code spells it. What a partner's plugin is written against.

`surface.txt` is the surface of the last release. A test compares, and asks for a line in the changelog for whatever
differs. At a release `python tests/docs/surface.py --release` writes it anew.
"""

import ast
import inspect
import re
import sys
import textwrap
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from onhand.addons import Addons, discover
from onhand.hooks import kind_of

ROOT = Path(__file__).parents[2]
RELEASED = Path(__file__).with_name("surface.txt")
CHANGELOG = ROOT / "CHANGELOG.md"
CORE = (
    "onhand.access.api", "onhand.approvals.api", "onhand.clocks", "onhand.contributions", "onhand.entities", "onhand.events", "onhand.hooks", "onhand.jobs",
    "onhand.reasons.api", "onhand.rest", "onhand.testing", "onhand.transaction", "onhand.web",
)  # fmt: skip
"""What the core offers to add-ons. Its other modules may be imported too, where they list a name; these are promised."""

ALSO = (
    "onhand.actors", "onhand.db", "onhand.ids", "onhand.migrate", "onhand.outbox", "onhand.policies.book",
    "onhand.policies.services", "onhand.problems", "onhand.rest.fields", "onhand.web.formats", "onhand.web.tables",
    "onhand.testing.contract", "onhand.testing.distribution", "onhand.testing.people", "onhand.testing.samples",
)  # fmt: skip
"""What a plugin made by `onhand addon new` imports besides: told, and not frozen."""


def other_modules(addons: Addons) -> list[str]:
    """Return the modules that plugins build on without a promise: some of the core's, and the makers for tests."""
    makers = [f"{addons.addon(noun).package}.testing" for noun in addons.names]
    return [*ALSO, *(module for module in makers if find_spec(module))]


def public_modules(addons: Addons) -> list[str]:
    """Return the modules that others may build on, but for hooks: the core's, then each add-on's api and events."""
    packages = [addons.addon(noun).package for noun in addons.names]
    return [*CORE, *(f"{package}.{door}" for package in packages for door in ("api", "events")
                     if find_spec(f"{package}.{door}"))]  # fmt: skip


def names(module: str) -> list[str]:
    """Return what a module offers."""
    return sorted(getattr(import_module(module), "__all__", ()))


def surface(addons: Addons) -> dict[str, str]:
    """Return everything public, `module.name` to how it is spelt; hooks are `hook name`."""
    found = {f"hook {name}": f"{kind_of(spec)} {spelt(spec)}" for name, spec in specs(addons).items()}
    for module in public_modules(addons):
        found |= {f"{module}.{name}": spelt(getattr(import_module(module), name)) for name in names(module)}
    return dict(sorted(found.items()))


def specs(addons: Addons) -> dict[str, Any]:
    """Return every hook's spec, in the order in which they are offered."""
    callers = vars(addons.manager.hook).items()
    return {name: caller.spec.function for name, caller in callers if getattr(caller, "spec", None) is not None}


def spelt(thing: Any) -> str:
    """Return how a function is called, what a dataclass holds, or of which type a value is; as the source says it."""
    if not (inspect.isfunction(thing) or inspect.isclass(thing)):
        return type(thing).__name__
    try:
        [node] = ast.parse(textwrap.dedent(inspect.getsource(thing))).body
    except (OSError, TypeError, ValueError):
        return "class" if inspect.isclass(thing) else "function"
    if isinstance(node, ast.FunctionDef):
        return f"({ast.unparse(node.args)})" + (f" -> {_plain(ast.unparse(node.returns))}" if node.returns else "")
    assert isinstance(node, ast.ClassDef)
    fields = [ast.unparse(each) for each in node.body if isinstance(each, ast.AnnAssign)]
    return f"class {', '.join(map(ast.unparse, node.bases))}({'; '.join(fields)})".replace("class (", "class(")


def _plain(annotation: str) -> str:
    return annotation.strip("'\"")


def deprecated(addons: Addons) -> dict[str, str]:
    """Return what is public and marked `typing_extensions.deprecated`, with what the mark says."""
    things = {f"hook {name}": spec for name, spec in specs(addons).items()}
    for module in public_modules(addons):
        things |= {f"{module}.{name}": getattr(import_module(module), name) for name in names(module)}
    return {key: said for key, thing in things.items() if (said := mark_of(thing))}


def mark_of(thing: Any) -> str:
    """Return what a thing's own mark of deprecation says; nothing for what has none."""
    return str(getattr(thing, "__dict__", {}).get("__deprecated__", ""))


def outlived(marked: dict[str, str], version: str) -> list[str]:
    """Return what is deprecated without saying since when and what to use, or for longer than one minor version.

    What is marked before a release of 0.2 says `since 0.2`: it is there in 0.2, warns, and is gone from 0.3.
    """
    told = []
    major, minor, *_ = map(int, version.split("."))
    for key, said in sorted(marked.items()):
        found = re.fullmatch(r"since (\d+)\.(\d+): use .+", said)
        since = found and (int(found[1]), int(found[2]))
        if since is None or (since > (major, minor + 1) and since != (major + 1, 0)):
            told.append(f"{key} is deprecated {said!r}: say `since {major}.{minor + 1}: use …`")
        elif since < (major, minor):
            told.append(f"{key} was deprecated {said}: take it away, and say so in CHANGELOG.md")
    return told


def read(text: str) -> dict[str, str]:
    """Return a surface as it was written down."""
    return dict(line.split(" = ", 1) for line in text.splitlines() if " = " in line)


def unsaid(released: dict[str, str], now: dict[str, str], changelog: str) -> list[str]:
    """Return what differs from the last release without being named, in code, under the changelog's `Unreleased`."""
    found = re.search(r"^## Unreleased$(.*?)(?=^## |\Z)", changelog, re.MULTILINE | re.DOTALL)
    said = set(re.findall(r"`([^`\n]+)`", found[1] if found else ""))
    told = []
    for key in sorted(released.keys() | now.keys()):
        if released.get(key) != now.get(key) and not {key, re.split(r"[. ]", key)[-1]} & said:
            verb = "is new" if key not in released else "is gone" if key not in now else "has changed"
            told.append(f"{key} {verb}: say so under Unreleased in CHANGELOG.md, naming `{re.split(r'[. ]', key)[-1]}`")
    return told


if __name__ == "__main__":
    installed = Addons(discover())
    present = surface(installed)
    if sys.argv[1:] == ["--release"]:
        RELEASED.write_text("".join(f"{key} = {value}\n" for key, value in present.items()))
    else:
        problems = unsaid(read(RELEASED.read_text()), present, CHANGELOG.read_text())
        problems += outlived(deprecated(installed), version("onhand"))
        sys.exit("\n".join(problems) or 0)
