"""What commands print: tables for people, one JSON document for programs."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.table import Table

__all__ = ["as_json_option", "console", "done", "show"]

F = TypeVar("F", bound=Callable[..., Any])
console = Console(stderr=True)


def as_json_option(command: F) -> F:
    """Add `--json` to a command."""
    return click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")(command)


def show(rows: Sequence[Mapping[str, Any]], *, as_json: bool, none: str = "nothing") -> None:
    """Print rows that share their columns: as a JSON list, or as a table."""
    if as_json:
        click.echo(json.dumps([dict(row) for row in rows], default=_plain))
    elif not rows:
        console.print(none)
    else:
        table = Table(*rows[0], header_style="bold")
        for row in rows:
            table.add_row(*("" if value is None else _text(value) for value in row.values()))
        Console(width=None if Console().is_terminal else 200).print(table)


def done(document: Mapping[str, Any], message: str, *, as_json: bool) -> None:
    """Say what was done: a JSON object on standard output, or a sentence."""
    click.echo(json.dumps(dict(document), default=_plain) if as_json else message)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
