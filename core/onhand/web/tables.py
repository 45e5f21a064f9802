"""Columns of a list page, as views hand them to the `table` macro."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["Column", "Kind"]

Kind = Literal["text", "code", "quantity", "delta", "time", "day"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column: the row's attribute or key, its heading, how to draw a value, and where a value leads.

    `delta` is a quantity drawn with its sign, `day` a moment drawn without its age. `href` is asked once per row and
    may answer None.
    """

    key: str
    label: str
    kind: Kind = "text"
    href: Callable[[Any], str | None] | None = None

    @property
    def numeric(self) -> bool:
        """Whether its values align at the right."""
        return self.kind in {"quantity", "delta"}
