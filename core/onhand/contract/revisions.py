"""Revisions: one line from nothing to now and back, that does not change when the models do."""

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

__all__ = ["imports", "line"]


def line(package: Path, noun: str) -> Iterator[str]:
    """Yield what keeps a history from being one line, and revisions without a way back."""
    parents: list[Any] = []
    known: list[str] = []
    for path, tree in _files(package):
        told: dict[str, Any] = {
            target.id: node.value.value
            for node in tree.body
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        if not isinstance(told.get("revision"), str) or "down_revision" not in told:
            yield f"{path.name} does not say its revision and down_revision"
            continue
        known.append(told["revision"])
        parents.append(told["down_revision"])
        if not told["revision"].startswith(f"{noun}_"):
            yield f"{path.name}: the revision {told['revision']} does not begin with {noun}_"
        steps = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
        for step in ("upgrade", "downgrade"):
            if step not in steps or _does_nothing(steps[step]):
                yield f"{path.name} has no {step}()"
    yield from (f"{name} is the name of several revisions" for name, count in Counter(known).items() if count > 1)
    yield from (f"{count} revisions come after {parent or 'nothing'}: one line has no branches"
                for parent, count in Counter(parents).items() if count > 1)  # fmt: skip
    yield from (f"{parent} is named as a down_revision, but not there" for parent in parents
                if parent is not None and parent not in known)  # fmt: skip


def imports(package: Path) -> Iterator[str]:
    """Yield revisions that import the add-on's code: yesterday's revision would do what today's code says."""
    for path, tree in _files(package):
        for node in ast.walk(tree):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                if name.startswith("onhand_"):
                    yield f"{path.name} imports {name}: write down what it needs"


def _files(package: Path) -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted((package / "migrations" / "versions").glob("[!_]*.py")):
        yield path, ast.parse(path.read_text(), str(path))


def _does_nothing(step: ast.FunctionDef) -> bool:
    return all(isinstance(node, ast.Pass) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
               for node in step.body)  # fmt: skip
