"""Suggest reason codes from what a clerk writes: ranked, with the words that spoke for each. Never decides anything.

The weights beside this file were learned by `tools/train_suggestion.py`, which says from what. Looking a note up is
arithmetic on a few dozen numbers: no library, no model server, the same answer every time.
"""

import re
from base64 import b64decode
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from math import sqrt

import msgspec
from msgspec import Struct

__all__ = ["NOTE_CHARACTERS_MAX", "Suggestion", "features", "normalised", "suggest", "words_of"]

NOTE_CHARACTERS_MAX = 500
WORD = re.compile(r"[a-z]+|\d+")
CODE_DIGITS_MIN = 5  # what is as long as this is an article's number, not a count of something
GRAMS = range(3, 6)
WEIGHTS = "suggestion.json"
MURMUR = 0.2  # of the loudest word: what is fainter is not worth naming


class Suggestion(Struct, frozen=True):
    """A reason code that a note speaks for, and the words of the note that did, the loudest first."""

    code: str
    words: tuple[str, ...]


class About(Struct, frozen=True):
    """Where the weights come from, and how well they did."""

    source: str
    licence: str
    trained_on: str
    command: str
    notes: int
    measured: str


class Weights(Struct, frozen=True):
    """What was learned: per feature a byte for each code, to be multiplied by `scale`."""

    about: About
    codes: tuple[str, ...]
    scale: float
    bias: tuple[float, ...]
    features: dict[str, str]


def suggest(note: str, *, among: Iterable[str] | None = None, most: int = 3) -> list[Suggestion]:
    """Return the reason codes that a note speaks for, the likeliest first, at most so many; `among` narrows them.

    A note that says nothing gets what is given without a reason. Nothing is returned for an empty one.
    """
    if not note.strip():
        return []
    weights, voices = learned(), voices_of()
    columns = [column for column, code in enumerate(weights.codes) if among is None or code in among]
    scores = list(weights.bias)
    spoken: dict[str, list[float]] = {}
    found = features(note)
    norm = sqrt(sum(value * value for value, _ in found.values()))
    for name, (value, word) in found.items():
        if heard := voices.get(name):
            said = spoken.setdefault(word, [0.0] * len(scores))
            for column, weight in heard:
                scores[column] += value / norm * weight
                said[column] += value / norm * weight
    columns.sort(key=lambda column: (-scores[column], weights.codes[column]))
    return [Suggestion(weights.codes[column], _loudest(spoken, column)) for column in columns[:most]]


def _loudest(spoken: dict[str, list[float]], column: int) -> tuple[str, ...]:
    """Return the words that speak for a code more than they do for the average one, and not much less than the loudest."""
    voices = {word: said[column] - sum(said) / len(said) for word, said in spoken.items() if word}
    enough = max([*voices.values(), 0.0]) * MURMUR
    return tuple(word for word in sorted(voices, key=lambda word: (-voices[word], word)) if voices[word] > enough)[:3]


def words_of(note: str) -> list[str]:
    """Return a note's words and numbers, in lower case and without their marks."""
    return WORD.findall(note[:NOTE_CHARACTERS_MAX].lower().replace("'", "").replace("’", ""))


def normalised(note: str) -> str:
    """Return a note as its words: two that differ in case or punctuation alone are one note."""
    return " ".join(words_of(note))


def features(note: str) -> dict[str, tuple[float, str]]:
    """Return what is looked at in a note, each with how often it is there and the word it is part of.

    Whole words, pairs of words, and runs of three to five letters, so that a word spelt wrongly is heard too.
    """
    words = words_of(note)
    forms = [("#" if len(word) < CODE_DIGITS_MIN else "##") if word.isdigit() else word for word in words]
    found: dict[str, tuple[float, str]] = {}
    for form, word in zip(forms, words, strict=True):
        found[f"w:{form}"] = (found.get(f"w:{form}", (0.0, ""))[0] + 1.0, word)
        edged = f"^{form}$"
        for size in GRAMS:
            for start in range(len(edged) - size + 1):
                found[f"c:{edged[start : start + size]}"] = (1.0, word)
    for (first, form), (second, follower) in zip(
        zip(words, forms, strict=True), zip(words[1:], forms[1:], strict=True), strict=False
    ):
        found[f"b:{form} {follower}"] = (1.0, f"{first} {second}")
    if "?" in note:
        found["p:?"] = (1.0, "")
    if not words:
        found["p:none"] = (1.0, "")
    return found


@cache
def learned() -> Weights:
    """Return the weights that ship with this add-on, read once."""
    return msgspec.json.decode(files("onhand_stock").joinpath(WEIGHTS).read_bytes(), type=Weights)


@cache
def voices_of() -> dict[str, tuple[tuple[int, float], ...]]:
    """Return, per feature, the codes it speaks for or against by their place, and how loudly."""
    weights = learned()
    return {
        name: tuple(
            (column, (byte - 256 if byte > 127 else byte) * weights.scale)
            for column, byte in enumerate(b64decode(row))
            if byte
        )
        for name, row in weights.features.items()
    }
