"""Hooks: specs say what they are, implementations fit them, and what is contributed is what was asked for."""

import ast
import inspect
import sys
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import pluggy

from onhand.addons import Addons
from onhand.contract.subject import Subject
from onhand.hooks import kind_of

__all__ = ["contributions", "hints", "offered", "signatures", "specs"]


def offered(addons: Addons, package: str) -> dict[str, Callable[..., Any]]:
    """Return the specs that a package's `hooks` offers, by name; the core's are in `hookspecs`."""
    callers = vars(addons.manager.hook).items()
    found = {name: caller.spec for name, caller in sorted(callers) if getattr(caller, "spec", None) is not None}
    return {
        name: spec.function
        for name, spec in found.items()
        if getattr(spec.namespace, "__name__", "") in {f"{package}.hooks", f"{package}.hookspecs"}
    }


def specs(addons: Addons, package: str) -> Iterator[str]:
    """Yield hooks that an add-on offers without saying what kind they are, when they are called, what raising does."""
    for name, function in offered(addons, package).items():
        said = (function.__doc__ or "").strip()
        if not said.startswith(kind_of(function)):
            yield f"the spec {name} does not begin with its kind, {kind_of(function)}"
        if "raising" not in said.lower():
            yield f"the spec {name} does not say what raising does"


def signatures(subject: Subject) -> Iterator[str]:
    """Yield implementations whose annotations are not those of the spec. Names that a spec lacks stop the start."""
    for name, impl, spec in _implementations(subject):
        said, wanted = hints(impl.function), hints(spec)
        for argument, kind in said.items():
            if argument in wanted and not _agree(kind, wanted[argument]):
                what = "returns" if argument == "return" else f"takes {argument} as"
                yield f"{name} {what} {_shown(kind)}; its spec says {_shown(wanted[argument])}"


def contributions(subject: Subject) -> Iterator[str]:
    """Yield hooks called at start-up that return no list, or a list of something else than their spec says."""
    for name, impl, spec in _implementations(subject):
        wanted = hints(spec).get("return")
        if kind_of(spec) != "contribute" or inspect.signature(spec).parameters or get_origin(wanted) is not list:
            continue
        [kind] = get_args(wanted)
        given = impl.function()
        if not isinstance(given, list):
            yield f"{name} returns {type(given).__name__}, not a list"
            continue
        of = get_origin(kind) or kind
        yield from (f"{name} contains {each!r}, no {of.__name__}" for each in given if not isinstance(each, of))


def _implementations(subject: Subject) -> Iterator[tuple[str, pluggy.HookImpl, Callable[..., Any]]]:
    manager = subject.addons.manager
    for caller in manager.get_hookcallers(manager.get_plugin(subject.noun)) or ():
        for impl in caller.get_hookimpls():
            if impl.plugin_name == subject.noun and caller.spec is not None:
                yield caller.name, impl, caller.spec.function


def _agree(said: Any, wanted: Any) -> bool:
    """Return whether an annotation is that of the spec, or one of the answers that the spec allows."""
    options = {*get_args(wanted)} if get_origin(wanted) in {Union, UnionType} else {wanted}
    return said == wanted or Any in {said, wanted} or said in options


def _shown(kind: Any) -> str:
    return inspect.formatannotation(kind).replace("collections.abc.", "")


def hints(function: Callable[..., Any]) -> dict[str, Any]:
    """Return a function's annotations as types, those imported for types only included."""
    return get_type_hints(function, localns=_typing_names(function.__module__))


@cache
def _typing_names(module: str) -> dict[str, Any]:
    """Import what a module imports under `if TYPE_CHECKING:`."""
    found: dict[str, Any] = {}
    tree = ast.parse(Path(str(sys.modules[module].__file__)).read_text())
    for block in (node for node in tree.body if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)):
        for node in block.body:
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                source = import_module(node.module)
                found |= {alias.asname or alias.name: getattr(source, alias.name) for alias in node.names}
    return found
