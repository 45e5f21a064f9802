"""Rows turned on their side: the shape that `unnest` takes."""

from collections.abc import Sequence
from typing import Any

__all__ = ["columns"]


def columns(rows: Sequence[Sequence[Any]], width: int) -> list[list[Any]]:
    """Return one list per column; no rows give `width` empty columns."""
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(width)]
