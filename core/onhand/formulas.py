"""Cells of files that spreadsheets open: none may be taken for a formula, which would be carried out."""

from typing import Any

__all__ = ["FORMULA", "safe"]

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a text begins with that a spreadsheet takes for a formula."""


def safe(cell: Any) -> Any:
    """Return a cell as a spreadsheet may open it: text that it would take for a formula begins with an apostrophe."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell
