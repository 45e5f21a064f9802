"""Conditions of policy versions in CEL, the Common Expression Language: no loops, no side effects, nothing to reach."""

import importlib.util
import re
import sys
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.machinery import PathFinder
from typing import TYPE_CHECKING, Any

from onhand.contributions import PolicyVariable

if TYPE_CHECKING:
    from cel import Program

__all__ = ["CHARACTERS_MAX", "BadCondition", "check", "holds"]

LANGUAGE = "cel.cel"
CHARACTERS_MAX = 1_000
NESTING_MAX = 40
LOOPS = re.compile(r"\.\s*(all|exists|exists_one|map|filter)\s*\(")
PLACE = re.compile(r"<input>:(\d+):(\d+): (?:Syntax error: )?(.+)")
SAMPLES: dict[type, Any] = {int: 1, float: 1.5, bool: True, str: "a"}
WORDS: dict[type, str] = {int: "whole number", float: "number", bool: "true or false", str: "text"}


class BadCondition(Exception):
    """A condition that is no CEL, asks about something unknown, or does not answer true or false."""


def check(source: str, variables: Sequence[PolicyVariable]) -> None:
    """Raise BadCondition unless the condition can be judged over these variables; syntax errors name the position."""
    known = ", ".join(f"{each.name} ({WORDS[each.type]})" for each in variables)
    if len(source) > CHARACTERS_MAX:
        raise BadCondition(f"a condition has at most {CHARACTERS_MAX} characters, not {len(source)}")
    if not source.isprintable():
        raise BadCondition("a condition is one line without control characters")
    if _nesting(source) > NESTING_MAX:
        raise BadCondition(f"a condition nests brackets at most {NESTING_MAX} deep")
    if loop := LOOPS.search(source):
        raise BadCondition(f"character {loop.start(1) + 1}: {loop[1]}() is not allowed, a condition does not loop")
    program = _parsed(source)
    names = {each.name for each in variables}
    for name in program.variables():
        if name not in names:
            at = re.search(rf"\b{re.escape(name)}\b", source)
            where = f"character {at.start() + 1}: " if at else ""
            raise BadCondition(f"{where}there is no variable {name!r} here; known: {known}")
    facts = {each.name: SAMPLES[each.type] for each in variables}
    try:
        answer = program.execute(facts)
    except (TypeError, RuntimeError, ValueError) as error:
        raise BadCondition(f"it cannot be judged: {_short(error)} Known: {known}") from None
    if type(answer) is not bool:
        raise BadCondition(f"it answers {answer!r}, not true or false")


def holds(source: str, facts: Mapping[str, Any] | None) -> bool:
    """Return whether a condition holds for these facts; one that cannot be judged, a fact missing say, does not."""
    if facts is None:
        return False
    try:
        return compiled(source).execute(dict(facts)) is True
    except (TypeError, RuntimeError, ValueError):
        return False


@lru_cache(maxsize=1_024)
def compiled(source: str) -> "Program":
    """Return a condition ready to be judged; ValueError where it is no CEL."""
    program: Program = _language().compile(source)
    return program


@lru_cache(maxsize=1)
def _language() -> Any:
    """Return CEL's compiled module, when the first condition is met, alone.

    Importing the package would bring in its command line as well, which takes longer than a transaction may idle.
    """
    if LANGUAGE in sys.modules:
        return sys.modules[LANGUAGE]
    package = importlib.util.find_spec("cel")
    found = PathFinder.find_spec(LANGUAGE, package.submodule_search_locations) if package else None
    if found is None or found.loader is None:
        raise ImportError("the distribution common-expression-language is not installed")
    module = sys.modules[LANGUAGE] = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def _parsed(source: str) -> "Program":
    try:
        return compiled(source)
    except ValueError as error:
        found = PLACE.search(str(error).partition(": ERROR: ")[2])
        if found is None:
            raise BadCondition("it is no CEL") from None
        message = found[3].partition(" expecting ")[0]
        raise BadCondition(f"character {found[2]}: {message}") from None


def _nesting(source: str) -> int:
    """Return how deep brackets nest, taking those inside of text for brackets too: a bound, not a parser."""
    depth = deepest = 0
    for character in source:
        depth += (character in "([{") - (character in ")]}")
        deepest = max(deepest, depth)
    return deepest


def _short(error: Exception) -> str:
    return str(error).partition(". ")[0].rstrip(".") + "."
