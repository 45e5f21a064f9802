"""Hooks: specs say what they are, implementations fit them, and what is contributed is what was asked for."""

import inspect
from collections.abc import Callable, Iterator
from types import UnionType
from typing import Any, Union, get_args, get_origin

import pluggy

from onhand.addons import Addons
from onhand.addons.contributed import hints, unfit
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
        yield from unfit(name, impl.function(), spec)


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
