"""`onhand export`: what add-ons know how to write, as CSV that spreadsheets open safely."""

import csv
import sys
from datetime import datetime
from pathlib import Path
from typing import TextIO

import click
from sqlalchemy.orm import Session

from onhand.cli.output import console
from onhand.cli.site import site
from onhand.contributions import Exporter
from onhand.db import driver
from onhand.formulas import safe

__all__ = ["export_file"]

ROWS_AT_ONCE = 2_000


@click.command()
@click.argument("name")
@click.argument("file", type=click.Path(dir_okay=False, writable=True, allow_dash=True, path_type=Path), default="-")
def export_file(name: str, file: Path) -> None:
    """Write NAME, say `items` or `channels`, to FILE (`-`: standard output) as CSV, in the columns that import takes."""
    from flask import current_app

    from onhand.transaction import every_entity, run

    with site():
        exporters: list[Exporter] = current_app.extensions["onhand"].gather("exporters")
        known = {exporter.name: exporter for exporter in exporters}
        if name not in known:
            listed = "\n".join(f"  {one.name}: {one.help}" for one in exporters) or "  none: no add-on exports anything"
            raise click.UsageError(f"{name!r} cannot be exported. What can:\n{listed}")

        def command(session: Session, _: datetime) -> int:
            if str(file) == "-":
                return _write(session, known[name], sys.stdout)
            with file.open("w", encoding="utf-8", newline="") as stream:
                return _write(session, known[name], stream)

        with console.status(f"exporting {name}"):
            rows = run(command, entities=every_entity())
    click.echo(f"{rows} rows", err=True)


def _write(session: Session, exporter: Exporter, stream: TextIO) -> int:
    rows = driver(session).cursor().execute(exporter.sql)
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([column.name for column in rows.description or ()])
    count = 0
    while batch := rows.fetchmany(ROWS_AT_ONCE):
        writer.writerows([safe(cell) for cell in row] for row in batch)
        count += len(batch)
    return count
