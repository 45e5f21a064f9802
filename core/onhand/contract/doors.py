"""Doors: what a route asks for, where the menu leads, and what programs are told of the API."""

import ast
import re
from collections.abc import Collection, Iterator
from typing import Any

from onhand.access.doors import Door
from onhand.contract.sources import rooms
from onhand.contract.subject import Subject

__all__ = ["asked", "descriptions", "menu", "open_to_all", "permissions"]

SNAKE = re.compile(r"[a-z@$][a-z0-9_]*")
SUMMARY_CHARACTERS_MAX = 160
Doors = dict[tuple[str, str], Door]


def open_to_all(doors: Doors, listed: Collection[str]) -> Iterator[str]:
    """Yield routes that everyone may ask, though nobody listed them as such."""
    for (endpoint, method), door in doors.items():
        if door.permission is None and endpoint not in listed:
            yield f"{method} {endpoint} is public, but not listed in public_endpoints"


def asked(doors: Doors, nouns: Collection[str], known: Collection[str]) -> Iterator[str]:
    """Yield routes that ask for a permission of an add-on that is not required, or that nobody declares."""
    for (endpoint, method), door in doors.items():
        if door.permission is None:
            continue
        if door.permission.partition(".")[0] not in nouns:
            yield f"{method} {endpoint} needs {door.permission}, which is not this add-on's to ask for"
        elif door.permission not in known:
            yield f"{method} {endpoint} needs {door.permission}, which nobody declares: no role could hold it"


def permissions(subject: Subject) -> Iterator[str]:
    """Yield permissions that nothing of the add-on asks for: a role that holds one is promised nothing."""
    words = [
        node.value
        for room in rooms(subject.package)
        for node in ast.walk(room.tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    for each in subject.contributed("permissions"):
        if words.count(each.name) < 2:
            yield f"{each.name} is declared, but nothing asks for it"


def menu(subject: Subject) -> Iterator[str]:
    """Yield lines of the menu that lead nowhere, or that are shown to people whom the page refuses."""
    for item in subject.contributed("menu"):
        door = subject.doors.get((item.endpoint, "GET"))
        if door is None:
            yield f"the line {item.label!r} leads to {item.endpoint}, which is no page of this add-on"
        elif door.permission != item.permission:
            yield f"the line {item.label!r} is shown for {item.permission}, but its page asks for {door.permission}"


def descriptions(subject: Subject) -> Iterator[str]:
    """Yield what programs are not told, or badly, of the add-on's part of the API."""
    schemas = subject.description.get("components", {}).get("schemas", {})
    described = subject.description.get("paths", {})
    for rule in subject.app.url_map.iter_rules():
        path = re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", rule.rule)
        for method in sorted(rule.methods or ()):
            door = subject.doors.get((rule.endpoint, method))
            if door and door.is_api:
                said = described.get(path, {})
                where = f"{method} {path}"
                yield from _operation(where, said.get(method.lower()), said.get("parameters", ()), schemas)


def _operation(where: str, said: Any, shared: Any, schemas: dict[str, Any]) -> Iterator[str]:
    if not said:
        yield f"{where} is not in the description: document() describes plain views"
        return
    summary = str(said.get("summary", ""))
    if not 0 < len(summary.strip()) <= SUMMARY_CHARACTERS_MAX:
        yield f"{where} has no summary of one sentence: {summary!r}"
    answers = {str(status) for status in said.get("responses", {})}
    if not any(status.startswith(("2", "3")) for status in answers):
        yield f"{where} does not say what it answers when it is well"
    parameters = [*shared, *said.get("parameters", ())]
    named = {each.get("name") for each in parameters}
    yield from (f"{where} does not describe {name}" for name in re.findall(r"{(\w+)}", where) if name not in named)
    yield from (f"{where} does not say what {each['name']} looks like" for each in parameters
                if "name" in each and not ({"schema", "content"} & each.keys()))  # fmt: skip
    for name in sorted(set(_properties([said.get("requestBody"), said.get("responses")], schemas, set()))):
        if not SNAKE.fullmatch(name):
            yield f"{where} speaks of {name!r}: members are in snake_case"


def _properties(node: Any, schemas: dict[str, Any], seen: set[str]) -> Iterator[str]:
    """Yield the names of all members in a part of the description, schemas it refers to included."""
    if isinstance(node, list):
        for each in node:
            yield from _properties(each, schemas, seen)
    elif isinstance(node, dict):
        reference = str(node.get("$ref", ""))
        if reference.startswith("#/components/schemas/") and reference not in seen:
            seen.add(reference)
            yield from _properties(schemas.get(reference.rpartition("/")[2]), schemas, seen)
        if isinstance(node.get("properties"), dict):
            yield from node["properties"]
        for key, inner in node.items():
            if key not in {"example", "examples"}:
                yield from _properties(inner, schemas, seen)
