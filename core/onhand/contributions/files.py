"""Files: what is read from them and written to them, row by row."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy.orm import Session

from onhand.actors import Actor

if TYPE_CHECKING:
    pass

__all__ = ["Exporter", "ImportReport", "Importer", "RowError", "RowOutcome"]


@dataclass(frozen=True, slots=True)
class RowError:
    """What is wrong with one cell of an imported file. Rows count from 1, the header being row 1."""

    row: int
    column: str
    message: str
    value: str = ""


@dataclass(frozen=True, slots=True)
class RowOutcome:
    """What becomes of one row of an imported file: `created`, `applied`, `unchanged`, `requested`."""

    row: int
    name: str
    outcome: str


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did, or would have done.

    `requested`: rows that wait for consent or for their day. `outcomes`, where told, has a word per row of the file.
    """

    rows: int
    created: int = 0
    updated: int = 0
    errors: tuple[RowError, ...] = ()
    requested: int = 0
    outcomes: tuple[RowOutcome, ...] = ()


@dataclass(frozen=True, slots=True)
class Importer:
    """A file format that `onhand import NAME FILE` accepts: all of its rows or none."""

    name: str
    help: str
    run: Callable[[Session, bytes, Actor, datetime], ImportReport]


@dataclass(frozen=True, slots=True)
class Exporter:
    """What `onhand export NAME` writes: the rows of one query, over all entities in scope, its columns as they are named.

    Where there is an Importer of the same name the columns are its columns, so that a file goes there and back.
    """

    name: str
    help: str
    sql: str
