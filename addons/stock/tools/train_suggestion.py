"""Learn reason codes from clerks' notes, and measure how well: `ONHAND_NOTES_CSV=notes.csv python train_suggestion.py`.

The file has the columns `note` and `reason_code`. Beside it a list of typical phrases per code is learned from,
`vocabulary.csv`: trade words that a few hundred notes do not happen to hold. Softmax regression with a quadratic
penalty, full batch, from zero: the same file gives the same weights.

Measured by stratified five-fold cross-validation, three times over: as the notes are; with notes that are the same but
for case and punctuation kept in one fold, which is the honest figure; and that again without the vocabulary.
"""

import csv
import os
import sys
from base64 import b64encode
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from math import sqrt
from pathlib import Path
from random import Random
from typing import NamedTuple

import msgspec
import numpy as np
from onhand_stock.suggestion import About, Weights, features, normalised

HERE = Path(__file__).parent
TARGET = HERE.parent / "onhand_stock" / "suggestion.json"
FOLDS = 5
SEED = 20_101_201
PENALTY = 0.1
STEPS = 200
Z95 = 1.959964
LEVELS = 127  # of a signed byte

CODES = {
    "damage_write_off": "damage",
    "lost_or_missing": "shrinkage",
    "count": "count_error",
    "mislabel_or_code": "mislabelled",
    "unit_of_measure": "unit_error",
    "receiving": "receiving_error",
    "return_or_credit": "return_error",
    "reversal_or_system": "system_correction",
    "sample_or_internal_use": "giveaway",
    "unspecified_adjust": "other",
}
"""What labels of the file are called here, where that differs; two codes, `theft` and `expired`, no note stands for."""

SOURCE = "Adjustment notes of the Online Retail data set (D. Chen, 2015, UCI Machine Learning Repository), reason codes added"
LICENCE = "CC BY 4.0, https://creativecommons.org/licenses/by/4.0/"
COMMAND = "ONHAND_NOTES_CSV=notes.csv python addons/stock/tools/train_suggestion.py"


class Labelled(NamedTuple):
    """What somebody wrote, and the reason code it stands for."""

    note: str
    code: str


class Score(NamedTuple):
    """How many of how many notes had their code first, and among the first three."""

    first: int
    within_three: int
    notes: int

    def __str__(self) -> str:
        said = [
            f"{name} {share(hits, self.notes)}"
            for name, hits in (("first", self.first), ("within three", self.within_three))
        ]
        return ", ".join(said)


class Model(NamedTuple):
    """Weights per feature and code, and what each code has to begin with."""

    index: dict[str, int]
    weights: np.ndarray
    bias: np.ndarray


def read_notes(path: Path) -> list[Labelled]:
    """Return the notes of a labelled file."""
    with path.open(encoding="utf-8", newline="") as file:
        read = [(row["note"], row["reason_code"].lower()) for row in csv.DictReader(file)]
    return [Labelled(note, CODES.get(code, code)) for note, code in read]


def read_vocabulary() -> list[Labelled]:
    """Return the typical phrases of every code."""
    with (HERE / "vocabulary.csv").open(encoding="utf-8", newline="") as file:
        return [
            Labelled(phrase.strip(), row["code"])
            for row in csv.DictReader(file)
            for phrase in row["phrases"].split(";")
        ]


def learn(examples: Sequence[Labelled], codes: Sequence[str]) -> Model:
    """Fit the weights. They are sums of the examples, so the fit runs over as many numbers as there are examples."""
    found = [features(example.note) for example in examples]
    index = {name: n for n, name in enumerate(sorted({name for one in found for name in one}))}
    matrix = np.zeros((len(found), len(index)))
    for row, one in zip(matrix, found, strict=True):
        for name, (value, _) in one.items():
            row[index[name]] = value
    matrix /= np.linalg.norm(matrix, axis=1, keepdims=True)
    wanted = np.zeros((len(found), len(codes)))
    wanted[np.arange(len(found)), [codes.index(example.code) for example in examples]] = 1
    gram = matrix @ matrix.T
    penalty = PENALTY / len(found)
    rate = 1 / (np.abs(gram + 1).sum(axis=1).max() / 2 / len(found) + penalty)
    held = ahead = np.zeros_like(wanted)
    held_bias = ahead_bias = np.zeros(len(codes))
    momentum = 1.0
    for _ in range(STEPS):
        scores = gram @ ahead + ahead_bias
        chances = np.exp(scores - scores.max(axis=1, keepdims=True))
        missed = (chances / chances.sum(axis=1, keepdims=True) - wanted) / len(found)
        moved, moved_bias = ahead - rate * (missed + penalty * ahead), ahead_bias - rate * missed.sum(axis=0)
        following = (1 + sqrt(1 + 4 * momentum * momentum)) / 2
        pull = (momentum - 1) / following
        ahead, ahead_bias = moved + pull * (moved - held), moved_bias + pull * (moved_bias - held_bias)
        held, held_bias, momentum = moved, moved_bias, following
    return Model(index, matrix.T @ held, held_bias)


def rank(model: Model, note: str, column: int) -> int:
    """Return how many codes a model puts before the one in a column."""
    found = features(note)
    norm = sqrt(sum(value * value for value, _ in found.values()))
    scores = model.bias.copy()
    for name, (value, _) in found.items():
        if name in model.index:
            scores += value / norm * model.weights[model.index[name]]
    return int((scores > scores[column]).sum())


def folds_of(notes: Sequence[Labelled], *, grouped: bool) -> list[int]:
    """Give each note a fold, so that every code is spread evenly; `grouped`: the same words are in the same fold."""
    groups: dict[str, list[int]] = defaultdict(list)
    for n, one in enumerate(notes):
        groups[f"{one.code}/{normalised(one.note)}" if grouped else str(n)].append(n)
    names = sorted(groups)
    Random(SEED).shuffle(names)  # noqa: S311 - a fixed draw, not a secret
    names.sort(key=lambda name: -len(groups[name]))
    per_code: dict[str, list[int]] = defaultdict(lambda: [0] * FOLDS)
    sizes, folds = [0] * FOLDS, [0] * len(notes)
    for name in names:
        members = groups[name]
        code = notes[members[0]].code
        fold = min(range(FOLDS), key=lambda n: (per_code[code][n], sizes[n]))
        per_code[code][fold] += len(members)
        sizes[fold] += len(members)
        for n in members:
            folds[n] = fold
    return folds


def cross_validate(notes: Sequence[Labelled], besides: Sequence[Labelled], *, grouped: bool) -> Score:
    """Return how well each fifth of the notes is told by a model that learned from the others and from `besides`."""
    codes = sorted({one.code for one in (*notes, *besides)})
    folds = folds_of(notes, grouped=grouped)
    ranks: list[int] = []
    for fold in range(FOLDS):
        model = learn([one for one, held in zip(notes, folds, strict=True) if held != fold] + list(besides), codes)
        ranks += [
            rank(model, one.note, codes.index(one.code)) for one, held in zip(notes, folds, strict=True) if held == fold
        ]
    return Score(sum(one == 0 for one in ranks), sum(one < 3 for one in ranks), len(ranks))


def wilson(hits: int, of: int) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson, 1927)."""
    middle = (hits + Z95**2 / 2) / (of + Z95**2)
    half = Z95 / (of + Z95**2) * sqrt(hits * (of - hits) / of + Z95**2 / 4)
    return middle - half, middle + half


def share(hits: int, of: int) -> str:
    """Write a share with its interval."""
    low, high = wilson(hits, of)
    return f"{hits / of:.1%} ({low:.1%} to {high:.1%})"


def pack(model: Model, codes: Sequence[str], about: About) -> bytes:
    """Return the weights as they ship: a signed byte each, a line for each feature; what rounds to nothing is left out."""
    scale = float(np.abs(model.weights).max() / LEVELS)
    rounded = np.rint(model.weights / scale).astype(np.int8)
    kept = {
        name: b64encode(rounded[n].tobytes()).decode()
        for name, n in model.index.items()
        if np.abs(rounded[n]).max() > 1
    }
    weights = Weights(about, tuple(codes), round(scale, 9), tuple(round(float(one), 6) for one in model.bias), kept)
    return msgspec.json.format(msgspec.json.encode(weights), indent=0).replace(b'": "', b'":"') + b"\n"


def main() -> int:
    """Measure, learn from everything, and write the weights beside the code that reads them."""
    given = os.environ.get("ONHAND_NOTES_CSV")
    if not given:
        print("set ONHAND_NOTES_CSV to a file with the columns note and reason_code", file=sys.stderr)
        return 2
    notes, vocabulary = read_notes(Path(given)), read_vocabulary()
    honest = cross_validate(notes, vocabulary, grouped=True)
    print(f"notes of the same words in one fold: {honest}")
    print(f"… and without the vocabulary:        {cross_validate(notes, (), grouped=True)}")
    print(f"notes as they are:                   {cross_validate(notes, vocabulary, grouped=False)}")
    print(f"… and without the vocabulary:        {cross_validate(notes, (), grouped=False)}")
    codes = sorted({one.code for one in (*notes, *vocabulary)})
    about = About(SOURCE, LICENCE, f"{datetime.now(UTC):%Y-%m-%d}", COMMAND, len(notes), str(honest))
    TARGET.write_bytes(pack(learn([*notes, *vocabulary], codes), codes, about))
    print(f"{TARGET.name}: {TARGET.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
