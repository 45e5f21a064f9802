"""The filter as people write it and chips write for them: `kind:shortage location:104 age:>24h value:>500 owner:me`.

Tokens are joined by blanks and must all hold; several values of one token are separated by commas and one suffices.
Values with blanks are quoted: `location:"Main street"`. What has no key is searched for in title, SKU and location.
"""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from difflib import get_close_matches
from typing import Literal

__all__ = ["KEYS", "STATES", "TEXT_CHARACTERS_MAX", "BadToken", "Bound", "Filter", "Tab", "Vocabulary", "parse", "spelt", "tokens", "with_token", "without"]  # fmt: skip

Tab = Literal["review", "mine", "escalating", "snoozed", "open", "resolved"]
Op = Literal[">", ">=", "<", "<="]

TEXT_CHARACTERS_MAX = 500
TOKENS_MAX = 30
NUMBER_MAX = 10**12
STATES = ("new", "ongoing", "escalating", "regressed", "resolved")
KEYS = {
    "kind": "a kind of evidence: kind:shortage",
    "location": "the code of a location: location:104",
    "entity": "the code of an entity: entity:NORTH",
    "item": "a SKU, or how it begins: item:85123A, item:851*",
    "state": "new, ongoing, escalating, regressed or resolved: state:new,regressed",
    "owner": "me, none or a user name: owner:me",
    "age": "how long ago it was first seen, in m, h, d or w: age:>24h",
    "value": "the money at risk, in the entity's currency: value:>500",
    "quantity": "how many units: quantity:>=10",
    "seen": "how often it was reported: seen:>3",
}
TOKEN = re.compile(r'(?:[^\s"]|"[^"]*"?)+')
BOUND = re.compile(r"(>=|<=|>|<)?(\d{1,12}(?:\.\d{1,6})?)([a-z]?)")
SPANS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


class BadToken(Exception):
    """A token of the filter that cannot be meant; the message names it and says what would do."""

    def __init__(self, token: str, message: str) -> None:
        self.token, self.message = token, message
        super().__init__(f"{token}: {message}")


@dataclass(frozen=True, slots=True)
class Bound:
    """A limit on age (minutes), value (of the major unit), quantity or times seen."""

    of: Literal["age", "value", "quantity", "seen"]
    op: Op
    number: Decimal


@dataclass(frozen=True, slots=True)
class Filter:
    """What is wanted of a list; empty means it does not matter. Owners are user ids; 0 is nobody, -1 matches none.

    `words` are how words of a row begin, spelt as the database keeps them; the empty one matches none.
    """

    tab: Tab = "open"
    me: int | None = None
    kinds: tuple[str, ...] = ()
    locations: tuple[str, ...] = ()
    entities: tuple[str, ...] = ()
    items: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    owners: tuple[int, ...] = ()
    bounds: tuple[Bound, ...] = ()
    words: tuple[str, ...] = ()
    phrases: tuple[str, ...] = ()


def _plain(text: str) -> tuple[str, ...]:
    return tuple(text.lower().split())


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What values may be: the kinds and entities there are, who asks, how a user name becomes a user's id and a text words.

    A text that has no words matches nothing.
    """

    kinds: Collection[str] = ()
    entities: Collection[str] = ()
    me: int | None = None
    person: Callable[[str], int | None] = field(default=lambda _: None)
    words: Callable[[str], tuple[str, ...]] = field(default=_plain)


def parse(text: str, known: Vocabulary, start: Filter | None = None) -> Filter:
    """Return the filter a text means, added to `start`; BadToken for the first token that cannot be meant."""
    found = start or Filter(me=known.me)
    written = tokens(text)
    if len(text) > TEXT_CHARACTERS_MAX or len(written) > TOKENS_MAX:
        raise BadToken(text[:40], f"at most {TEXT_CHARACTERS_MAX} characters and {TOKENS_MAX} tokens")
    for token in written:
        key, colon, value = token.partition(":")
        if not colon or key.startswith('"'):
            said = token.replace('"', "")
            words = known.words(said) or ("",)
            phrases = (*found.phrases, said) if len(words) > 1 else found.phrases
            found = replace(found, words=(*found.words, *words), phrases=phrases)
        elif key not in KEYS:
            raise BadToken(token, f"there is no {key!r} to filter by{_near(key, KEYS)}; to search for it, quote it")
        else:
            values = tuple(filter(None, (part.replace('"', "").strip() for part in _split(value))))
            if not values:
                raise BadToken(token, f"say which: {KEYS[key]}")
            found = _narrow(found, token, key, values, known)
    return found


def tokens(text: str) -> list[str]:
    """Return the tokens of a filter, as written."""
    return TOKEN.findall(text)


def spelt(key: str, value: str) -> str:
    """Return the token of a key and one value, quoted where the value would be taken apart."""
    return f'{key}:"{value}"' if any(character in value for character in ' ,"') else f"{key}:{value}"


def with_token(text: str, token: str) -> str:
    """Return a filter with a token added; one of the same key gives way, as one of them could hardly hold."""
    key = token.partition(":")[0] + ":"
    kept = [each for each in tokens(text) if not each.startswith(key)]
    return " ".join([*kept, token])


def without(text: str, token: str) -> str:
    """Return a filter without a token."""
    return " ".join(each for each in tokens(text) if each != token)


def _narrow(found: Filter, token: str, key: str, values: tuple[str, ...], known: Vocabulary) -> Filter:
    match key:
        case "kind":
            return replace(found, kinds=found.kinds + _among(token, values, known.kinds, "kind"))
        case "entity":
            return replace(found, entities=found.entities + _among(token, values, known.entities, "entity here"))
        case "state":
            return replace(found, states=found.states + _among(token, values, STATES, "state"))
        case "location":
            return replace(found, locations=found.locations + values)
        case "item":
            return replace(found, items=found.items + values)
        case "owner":
            owners = tuple(_owner(token, value, known) for value in values)
            return replace(found, owners=found.owners + owners)
        case "age":
            bounds = tuple(_age(token, value) for value in values)
        case _:
            bounds = tuple(_number(token, key, value) for value in values)
    return replace(found, bounds=found.bounds + bounds)


def _among(token: str, values: tuple[str, ...], allowed: Collection[str], what: str) -> tuple[str, ...]:
    for value in values:
        if value not in allowed:
            raise BadToken(token, f"there is no {what} {value!r}{_near(value, allowed)}")
    return values


def _near(value: str, allowed: Collection[str]) -> str:
    near = get_close_matches(value, allowed, 3, cutoff=0.5)
    if near:
        return f"; did you mean {' or '.join(near)}?"
    shown = sorted(allowed)
    return f"; there is {', '.join(shown[:12])}{' …' if len(shown) > 12 else ''}" if shown else ""


def _owner(token: str, value: str, known: Vocabulary) -> int:
    if value == "none":
        return 0
    if value == "me":
        return known.me if known.me is not None else -1
    person = known.person(value)
    if person is None:
        raise BadToken(token, f"there is nobody with the user name {value!r}; or say me or none")
    return person


def _age(token: str, value: str) -> Bound:
    written = BOUND.fullmatch(value)
    if written is None or written[3] not in SPANS:
        raise BadToken(token, "write a number and m, h, d or w: age:>24h, age:<7d")
    minutes = Decimal(written[2]) * int(SPANS[written[3]] / SPANS["m"])
    if minutes > NUMBER_MAX // 10**4:
        raise BadToken(token, "that is too long ago")
    return Bound("age", _op(written[1]), minutes)


def _number(token: str, key: str, value: str) -> Bound:
    written = BOUND.fullmatch(value)
    if written is None or written[3]:
        raise BadToken(token, f"write a number after >, >=, < or <=: {key}:>500")
    of: Literal["value", "quantity", "seen"] = (
        "value" if key == "value" else "quantity" if key == "quantity" else "seen"
    )
    return Bound(of, _op(written[1]), Decimal(written[2]))


def _op(written: str | None) -> Op:
    """Return the comparison; a bare number is at least so much."""
    return {">": ">", ">=": ">=", "<": "<", "<=": "<="}.get(written or ">=", ">=")  # type: ignore[return-value]  # the words are the type's


def _split(value: str) -> list[str]:
    """Split at commas that are not inside quotes."""
    return re.findall(r'(?:[^,"]|"[^"]*"?)+', value)
