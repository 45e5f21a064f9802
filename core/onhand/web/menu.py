"""The menu of a page: what add-ons contribute, cut down to what this person may use in this entity."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from flask import url_for

from onhand.contributions import MenuItem

__all__ = ["Entry", "entries", "mark_current"]

HOME = MenuItem("Home", "shell.home", "home", permission="", order=0)
EXECUTIVE = MenuItem("Executive", "executive.index", "chart-bar", permission="onhand.read", order=980)
AUDIT = MenuItem("Audit", "audit.trail", "history", permission="onhand.read_audit", order=990)
APPS = MenuItem("Apps", "shell.apps", "apps", permission="onhand.administer", order=1000)


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the menu as templates draw it; `count` is how many things wait there for who looks."""

    label: str
    icon: str
    href: str
    current: bool = False
    count: int | None = None


def entries(
    contributed: Iterable[tuple[str, Iterable[MenuItem]]],
    *,
    works: Callable[[str], bool],
    may: Callable[[str], bool],
    count: Callable[[MenuItem], int | None] = lambda _: None,
) -> list[Entry]:
    """Return the menu's lines by their order.

    `works(noun)` says whether an add-on is on for the entity, `may(permission)` whether the person holds it there, and
    `count(item)` how many things wait behind a line.
    """
    items = [HOME, EXECUTIVE, AUDIT, APPS, *(item for noun, items in contributed if works(noun) for item in items)]
    shown = [item for item in items if not item.permission or may(item.permission)]
    shown.sort(key=lambda item: (item.order, item.label))
    return [Entry(item.label, item.icon, url_for(item.endpoint), count=count(item)) for item in shown]


def mark_current(menu: Iterable[Entry], path: str) -> list[Entry]:
    """Mark the one line whose address leads furthest towards `path`, so that a detail page marks its list."""
    lines = list(menu)
    near = [line for line in lines if path == line.href or path.startswith(line.href.rstrip("/") + "/")]
    best = max(near, key=lambda line: len(line.href), default=None)
    if best is not None and best.href == "/" and path != "/":
        best = None
    return [replace(line, current=line is best) for line in lines]
