"""What is contributed at the start fits its spec: lists of the right things, and no name twice."""

import ast
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields, is_dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import pluggy

from onhand.addons.faults import BrokenAddon, blame
from onhand.hooks import kind_of

__all__ = ["asks_nothing", "checked", "hints", "named_twice", "unfit"]

SCHEME = re.compile(r"\s*(?!https?:)[a-z][a-z0-9+.-]*:", re.IGNORECASE)
SIMPLE = frozenset({str, int, float, bool})
MERGED = frozenset({"policy_profiles"})
"""Hooks whose contributions of one name belong together."""


def asks_nothing(caller: object) -> bool:
    """Return whether a hook is one that contributes without being asked about anything: once, at the start."""
    spec = getattr(caller, "spec", None)
    return spec is not None and kind_of(spec.function) == "contribute" and not spec.argnames


def checked(noun: str, impl: pluggy.HookImpl, spec: Any) -> list[Any]:
    """Return what an add-on contributes to a hook that asks nothing; BrokenAddon when it is not what the spec says."""
    name = spec.name
    given: Any = None
    with blame(noun, f"when it was asked for its {name}"):
        given = impl.function()
        faults = list(unfit(name, given, spec.function))
    if faults:
        raise BrokenAddon.of(noun, f"contributes what is no {name}: {faults[0]}")
    return [*given]


def unfit(name: str, given: Any, spec: Callable[..., Any], *, of: tuple[type, ...] | None = None) -> Iterable[str]:
    """Yield in what way something is not what a spec says is returned: a list, `of` what is known of it already."""
    if of is None:
        wanted = hints(spec).get("return")
        if get_origin(wanted) is not list:
            return
        [kind] = get_args(wanted)
        found = get_origin(kind) or kind
        of = (found,) if isinstance(found, type) else ()
    if not isinstance(given, list):
        yield f"{name} returns {type(given).__name__}, not a list"
        return
    for each in given:
        if of and not isinstance(each, of):
            yield f"{name} contains {each!r}, no {of[0].__name__}"
        else:
            yield from (f"{name} contains {each!r}, whose {said}" for said in _odd_fields(each))


def named_twice(hook: str, given: Sequence[tuple[str, Sequence[Any]]]) -> None:
    """Raise BrokenAddon for an add-on that contributes what is called like another's contribution to the same hook."""
    if hook in MERGED:
        return
    taken: dict[str, tuple[str, Any]] = {}
    for noun, things in given:
        for thing in things:
            name = next(
                (value for key in ("name", "code", "part") if isinstance(value := getattr(thing, key, 0), str)), ""
            )
            owner, other = taken.setdefault(name, (noun, thing)) if name else (noun, thing)
            if other is not thing:
                raise BrokenAddon.of(noun, f"contributes {name!r} to {hook}, and so does {owner}", "name it otherwise")


def _odd_fields(thing: Any) -> Iterable[str]:
    if is_dataclass(thing) and not isinstance(thing, type):
        wanted = _simple_fields(type(thing))
        for name, kind in wanted.items():
            value = getattr(thing, name)
            if not isinstance(value, (kind, int) if kind is float else kind):
                yield f"{name} is {value!r}, no {kind.__name__}"
            elif hasattr(value, "__html__"):
                yield f"{name} is markup, {str(value)!r}: give text, which the page escapes"
            elif name == "href" and isinstance(value, str) and SCHEME.match(value):
                yield f"{name} is {value!r}: lead to a page of this site, or by https to another"


@cache
def _simple_fields(kind: type) -> dict[str, type]:
    try:
        found = get_type_hints(kind)
    except NameError:  # names imported for types only
        found = {field.name: field.type for field in fields(kind)}
    return {field.name: found[field.name] for field in fields(kind) if found.get(field.name) in SIMPLE}


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
