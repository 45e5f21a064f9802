"""Which permission each route needs, declared beside the view and checked at start-up."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from flask import Flask
from werkzeug.routing import Rule

__all__ = ["API_PREFIX", "Door", "UndeclaredRoute", "doors_of", "hot", "public", "requires", "sensitive"]

API_PREFIX = "/api/"
MARK = "onhand_permission"
PUBLIC = ""
METHODS_UNGUARDED = frozenset({"HEAD", "OPTIONS"})
V = TypeVar("V", bound=Callable[..., Any])


class UndeclaredRoute(Exception):
    """Routes that say neither which permission they need nor that they are public, by their endpoints."""

    def __init__(self, message: str, endpoints: Sequence[str] = ()) -> None:
        self.endpoints = tuple(endpoints)
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Door:
    """One method of one endpoint: the permission it needs (None: public) and the add-on it belongs to (None: core).

    Who sees what is `is_sensitive` is kept in the audit trail.
    """

    permission: str | None
    addon: str | None
    is_api: bool
    is_hot: bool
    is_sensitive: bool = False


def requires(permission: str) -> Callable[[V], V]:
    """Let only those in who hold a permission where the view's add-on is enabled.

    It only declares: who asks is checked before anything of the request is read, wherever in the order of decorators
    this stands. Put it on each method of a MethodView.
    """

    def declare(view: V) -> V:
        view.onhand_permission = permission  # type: ignore[attr-defined]  # marked for us
        return view

    return declare


def public(view: V) -> V:
    """Let everyone in. The view must do its own checking."""
    view.onhand_permission = PUBLIC  # type: ignore[attr-defined]  # marked for us
    return view


def hot(view: V) -> V:
    """Mark a view that is called thousands of times a second: it is neither logged per request nor counted in Redis."""
    view.onhand_hot = True  # type: ignore[attr-defined]  # marked for us
    return view


def sensitive(view: V) -> V:
    """Have each look at what a view shows kept in the audit trail: who, when, and what was asked for.

    For the few pages where that matters; what leaves as a file is kept without being marked.
    """
    view.onhand_sensitive = True  # type: ignore[attr-defined]  # marked for us
    return view


def doors_of(app: Flask) -> dict[tuple[str, str], Door]:
    """Return every (endpoint, method) with its door; raise UndeclaredRoute naming all that declare nothing."""
    doors: dict[tuple[str, str], Door] = {}
    undeclared: list[tuple[str, str]] = []
    nouns = app.extensions["onhand"].names
    for rule in app.url_map.iter_rules():
        for method, handler in _handlers(app, rule):
            permission = getattr(handler, MARK, None)
            if permission is None and rule.endpoint.rpartition(".")[2] == "static":
                permission = PUBLIC
            if permission is None:
                undeclared.append((f"{method} {rule.rule} ({rule.endpoint})", rule.endpoint))
                continue
            doors[rule.endpoint, method] = Door(
                permission=permission or None,
                addon=_addon(app, rule.endpoint, nouns),
                is_api=rule.rule.startswith(API_PREFIX),
                is_hot=getattr(handler, "onhand_hot", False),
                is_sensitive=getattr(handler, "onhand_sensitive", False),
            )
    if undeclared:
        undeclared.sort()
        listed = ", ".join(route for route, _ in undeclared)
        raise UndeclaredRoute(
            f"these routes need @requires(permission) or @public: {listed}", [endpoint for _, endpoint in undeclared]
        )
    return doors


def _handlers(app: Flask, rule: Rule) -> Iterator[tuple[str, Any]]:
    view = app.view_functions[rule.endpoint]
    methods = (rule.methods or set()) - METHODS_UNGUARDED
    for method in sorted(methods):
        handler = getattr(getattr(view, "view_class", None), method.lower(), None)
        if handler is None or hasattr(view, MARK):
            handler = view
        yield method, handler


def _addon(app: Flask, endpoint: str, nouns: tuple[str, ...]) -> str | None:
    """Name the add-on of a route: as the loader marked its blueprint, else by the blueprint's name."""
    name = endpoint.rpartition(".")[0].partition(".")[0]
    blueprint = app.blueprints.get(name)
    marked: str | None = getattr(blueprint, "onhand_addon", None)
    if marked:
        return marked
    noun = name.partition("_api")[0]
    return noun if noun in nouns else None
