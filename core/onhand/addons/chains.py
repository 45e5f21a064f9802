"""Chains: which hooks a verb comes to, and who answers each. Read off the code, so that it cannot fall behind."""

import ast
import inspect
import sys
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from onhand.addons.registry import Addons
from onhand.hooks import HookKind, kind_of
from onhand.outbox import hook_of

__all__ = ["Link", "UnknownVerb", "chain_of"]

EVERY = frozenset({"gather", "gather_by_addon", "gather_from", "implementers"})
ACTIVE = frozenset({"caller", "gather_for", "gather_for_by_addon"})
"""How add-ons are asked, all of them or those active for an entity: `addons.caller("claims", …)`, the hook written out."""
DEPTH_MAX = 40


class UnknownVerb(LookupError):
    """No installed add-on offers such a verb or hook; the message names those that there are."""


@dataclass(frozen=True, slots=True)
class Link:
    """A hook on the way of a verb: its kind, what its spec says in a line, and who implements it where, in their order.

    `per_entity`: only add-ons that are active for the entity concerned are asked; else all that are installed.
    """

    hook: str
    kind: HookKind
    said: str
    per_entity: bool
    implementers: tuple[tuple[str, str], ...]


def chain_of(addons: Addons, verb: str) -> list[Link]:
    """Return the hooks that a verb may come to, in the order in which its code names them; or the one hook of that name.

    A verb is named `<noun>.<name>`, as the add-on's `api` offers it. What it calls is followed through functions and
    classes of installed add-ons and the core, as far as the code names them. What is handed in as data is not (a handler
    that an add-on contributed, say), and what a hook's implementers call in their turn is their own chain.
    """
    specs = {
        name: caller.spec.function
        for name, caller in sorted(vars(addons.manager.hook).items())
        if getattr(caller, "spec", None) is not None
    }
    if verb in specs:
        at_start = kind_of(specs[verb]) == "contribute" and not inspect.signature(specs[verb]).parameters
        return [_link(addons, verb, specs[verb], per_entity=not at_start)]
    found: dict[str, bool] = {}
    for hook, per_entity in _reached(_verb(addons, verb), specs, set()):
        found.setdefault(hook, per_entity)
    return [_link(addons, hook, specs[hook], per_entity=per_entity) for hook, per_entity in found.items()]


def _verb(addons: Addons, verb: str) -> Callable[..., Any]:
    noun, _, name = verb.partition(".")
    if noun not in addons.names:
        raise UnknownVerb(f"there is no add-on {noun!r} with verbs, and no hook {verb!r}; verbs are named <add-on>.<verb>, "
                          f"the add-ons are {', '.join(addons.names)}")  # fmt: skip
    package = addons.addon(noun).package
    api = import_module(f"{package}.api") if find_spec(f"{package}.api") else None
    offered = [each for each in getattr(api, "__all__", ()) if inspect.isfunction(getattr(api, each))]
    if name not in offered:
        raise UnknownVerb(f"{noun} offers no verb {name!r}; it offers {', '.join(sorted(offered)) or 'none'}")
    found: Callable[..., Any] = getattr(api, name)
    return found


def _reached(thing: Any, specs: dict[str, Any], seen: set[Any], depth: int = 0) -> Iterator[tuple[str, bool]]:
    """Yield the hooks that a function or class names, and those of whatever it names in its turn; see `Link`."""
    if thing in seen or depth > DEPTH_MAX:
        return
    seen.add(thing)
    for node in _nodes(thing):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in EVERY | ACTIVE:
            for argument in node.args[:2]:  # gather_from names the add-on first
                if isinstance(argument, ast.Constant) and argument.value in specs:
                    yield str(argument.value), node.func.attr in ACTIVE
        named = _resolved(node, vars(sys.modules[thing.__module__]))
        if _is_told(named, specs):
            yield hook_of(named), True
        elif (inspect.isfunction(named) or inspect.isclass(named)) and named.__module__.startswith("onhand"):
            yield from _reached(named, specs, seen, depth + 1)


def _is_told(kind: Any, specs: dict[str, Any]) -> bool:
    """Say whether something is a class of events that some hook is told of."""
    if not inspect.isclass(kind):
        return False
    event: Any = kind
    spec = specs.get(hook_of(event))
    return spec is not None and kind_of(spec) == "observe" and kind.__module__.endswith("events")


@cache
def _nodes(thing: Any) -> tuple[ast.AST, ...]:
    """Return what a function or class is made of, in the order in which it is written; annotations are left out."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(thing)))
    except (OSError, TypeError, SyntaxError):
        return ()
    return tuple(_walk(tree))


def _walk(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    for name, value in ast.iter_fields(node):
        if name in {"annotation", "returns", "decorator_list"}:
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _walk(child)


def _resolved(node: ast.AST, names: dict[str, Any]) -> Any:
    """Return what a name, or a name of a module, stands for; None for anything else."""
    if isinstance(node, ast.Name):
        return names.get(node.id)
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        owner = names.get(node.value.id)
        return getattr(owner, node.attr, None) if inspect.ismodule(owner) else None
    return None


def _link(addons: Addons, hook: str, spec: Callable[..., Any], *, per_entity: bool) -> Link:
    impls = {impl.plugin_name: impl.function for impl in getattr(addons.manager.hook, hook).get_hookimpls()}
    nouns = [noun for noun in ("onhand", *addons.names) if noun in impls]
    said = (inspect.getdoc(spec) or "").splitlines()[0]
    return Link(hook, kind_of(spec), said, per_entity, tuple((noun, _where(impls[noun])) for noun in nouns))


def _where(function: Callable[..., Any]) -> str:
    code = inspect.unwrap(function).__code__
    return f"{function.__module__}:{code.co_firstlineno}"
