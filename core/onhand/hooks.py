"""Hooks of five kinds: how an add-on extends another without being known to it.

An add-on offers specs in its own `hooks.py`, marked with the kind; it implements others' specs with `hookimpl`. To
implement a spec that is marked `typing_extensions.deprecated`, below its kind, warns.
"""

from collections.abc import Callable
from typing import Any, Literal, TypeVar

import pluggy

__all__ = [
    "PROJECT",
    "HookKind",
    "contribute",
    "decide",
    "extend",
    "guard",
    "hookimpl",
    "kind_of",
    "observe",
    "one_per",
]

PROJECT = "onhand"
HookKind = Literal["contribute", "decide", "guard", "extend", "observe"]
F = TypeVar("F", bound=Callable[..., Any])

hookimpl = pluggy.HookimplMarker(PROJECT)
_mark = pluggy.HookspecMarker(PROJECT)


def contribute(spec: F) -> F:
    """Mark a spec that gathers lists, at start-up or on render."""
    return _spec(spec, "contribute")


def decide(spec: F) -> F:
    """Mark a spec whose first answer other than None is taken, before any balance is locked."""
    return _spec(spec, "decide", firstresult=True)


def guard(spec: F) -> F:
    """Mark a spec that may refuse an intent, before any balance is locked. It never writes."""
    return _spec(spec, "guard")


def extend(spec: F) -> F:
    """Mark a spec called in the transaction after the write, under the lock, once per list."""
    return _spec(spec, "extend")


def observe(spec: F) -> F:
    """Mark a spec told of an event after the commit, at least once, through the outbox."""
    return _spec(spec, "observe")


def one_per(argument: str) -> Callable[[F], F]:
    """Say of a spec that it is answered by one thing for each in an argument, in their order. Below the kind's mark."""

    def mark(spec: F) -> F:
        spec.onhand_one_per = argument  # type: ignore[attr-defined]  # marked for us
        return spec

    return mark


def kind_of(spec: Callable[..., Any]) -> HookKind:
    """Return the kind a spec was marked with."""
    kind: HookKind = spec.onhand_kind  # type: ignore[attr-defined]  # marked for us
    return kind


def _spec(spec: F, kind: HookKind, *, firstresult: bool = False) -> F:
    spec.onhand_kind = kind  # type: ignore[attr-defined]  # marked for us
    said = getattr(spec, "__deprecated__", None)
    warning = None if said is None else DeprecationWarning(f"the hook {spec.__name__} is deprecated {said}")
    return _mark(spec, firstresult=firstresult, warn_on_impl=warning)
