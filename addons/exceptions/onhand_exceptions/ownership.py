"""Ownership rules, like a CODEOWNERS file: who an exception is given to when it opens. The last line that matches wins.

    *                               role:governance
    kind:shortage                   role:store_manager
    kind:latency_breach,event_*     @ada
    location:104 category:dairy     @grace

A line has patterns, which must all match, and then an owner: `@user-name`, `role:code` (whoever holds it nearest to the
place), or `nobody`. Several values of a pattern are separated by commas and one suffices; `*` stands for anything.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase

__all__ = ["LINES_MAX", "PATTERNS", "BadRule", "Rule", "Subject", "deciding", "parse_rules"]

LINES_MAX = 500
LINE_CHARACTERS_MAX = 300
PATTERNS = {
    "kind": "a kind of evidence",
    "location": "the code of a location",
    "item": "a SKU",
    "category": "the code of a category, or of one above it",
    "channel": "the code of a channel",
}
ROLE, PERSON, NOBODY = "role:", "@", "nobody"


class BadRule(Exception):
    """A line that cannot be meant: its number, and what is wrong with it."""

    def __init__(self, line: int, message: str) -> None:
        self.line, self.message = line, message
        super().__init__(f"line {line}: {message}")


@dataclass(frozen=True, slots=True)
class Rule:
    """One line: patterns by what they look at, each with the values of which one must match, and the owner."""

    line: int
    text: str
    patterns: tuple[tuple[str, tuple[str, ...]], ...]
    owner: str

    @property
    def person(self) -> str | None:
        """The user name of the owner, where it is a person."""
        return self.owner[len(PERSON) :] if self.owner.startswith(PERSON) else None

    @property
    def role(self) -> str | None:
        """The role whose holder is the owner, where it is one."""
        return self.owner[len(ROLE) :] if self.owner.startswith(ROLE) else None

    def looks_at(self, what: str) -> bool:
        """Return whether a pattern looks at something."""
        return any(name == what for name, _ in self.patterns)

    def matches(self, subject: "Subject") -> bool:
        """Return whether all patterns match."""
        return all(
            any(fnmatchcase(value, glob) for value in subject.values(name) for glob in globs)
            for name, globs in self.patterns
        )


@dataclass(frozen=True, slots=True)
class Subject:
    """What rules look at of an exception about to open."""

    kind: str = ""
    location: str = ""
    item: str = ""
    channel: str = ""
    categories: tuple[str, ...] = ()

    def values(self, name: str) -> tuple[str, ...]:
        """Return what a pattern may match; nothing where the exception has no such thing."""
        if name == "category":
            return self.categories
        value: str = getattr(self, name)
        return (value,) if value else ()


def parse_rules(
    text: str, *, kinds: Collection[str] = (), roles: Collection[str] = (), people: Collection[str] | None = None
) -> list[Rule]:  # fmt: skip
    """Return the rules of a text in their order; BadRule for the first line that cannot be meant.

    Kinds, roles and people are checked where they are given: a misspelt line would silently never match.
    """
    lines = text.splitlines()
    if len(lines) > LINES_MAX:
        raise BadRule(LINES_MAX + 1, f"at most {LINES_MAX} lines")
    rules: list[Rule] = []
    for number, line in enumerate(lines, 1):
        said = line.partition("#")[0].split()
        if not said:
            continue
        if len(line) > LINE_CHARACTERS_MAX:
            raise BadRule(number, f"at most {LINE_CHARACTERS_MAX} characters")
        rules.append(_rule(number, line.strip(), said, kinds, roles, people))
    return rules


def deciding(rules: Sequence[Rule], subject: Subject) -> Rule | None:
    """Return the rule that decides: the last that matches."""
    return next((rule for rule in reversed(rules) if rule.matches(subject)), None)


def _rule(
    number: int,
    text: str,
    said: Sequence[str],
    kinds: Collection[str],
    roles: Collection[str],
    people: Collection[str] | None,
) -> Rule:
    *patterns, owner = said
    if not patterns:
        raise BadRule(number, "a line has at least one pattern (* for all) and then an owner")
    if not owner.startswith((PERSON, ROLE)) and owner != NOBODY:
        raise BadRule(number, f"it ends with an owner, @user-name, role:code or nobody, not with {owner!r}")
    rule = Rule(number, text, tuple(_pattern(number, each) for each in patterns if each != "*"), owner)
    if rule.role is not None and roles and rule.role not in roles:
        raise BadRule(number, f"there is no role {rule.role!r}{_near(rule.role, roles)}")
    if rule.person is not None and people is not None and rule.person not in people:
        raise BadRule(number, f"there is nobody with the user name {rule.person!r}")
    for name, globs in rule.patterns:
        for glob in globs:
            if name == "kind" and kinds and not any(fnmatchcase(kind, glob) for kind in kinds):
                raise BadRule(number, f"no kind is called {glob!r}{_near(glob, kinds)}")
    return rule


def _pattern(number: int, said: str) -> tuple[str, tuple[str, ...]]:
    name, colon, values = said.partition(":")
    if not colon or name not in PATTERNS:
        raise BadRule(number, f"{said!r} is no pattern{_near(name, PATTERNS)}; there is {', '.join(PATTERNS)} and *")
    globs = tuple(filter(None, values.split(",")))
    if not globs:
        raise BadRule(number, f"{name}: says nothing; name {PATTERNS[name]}")
    return name, globs


def _near(value: str, allowed: Collection[str]) -> str:
    near = get_close_matches(value, allowed, 2, cutoff=0.5)
    return f"; did you mean {' or '.join(near)}?" if near else ""
