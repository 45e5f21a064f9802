"""`onhand import`: files that add-ons know how to read, all rows or none."""

import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from sqlalchemy.orm import Session

from onhand.cli.asking import operator
from onhand.cli.exits import REFUSED, Refused
from onhand.cli.output import as_json_option, console, done, show
from onhand.cli.site import site
from onhand.contributions import Importer, ImportReport
from onhand.problems import ImportRefused

__all__ = ["import_file"]

FILE_BYTES_MAX = 200 * 1024 * 1024
ERRORS_SHOWN_MAX = 50


@click.command()
@click.argument("name")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Check every row, keep none.")
@as_json_option
def import_file(name: str, file: Path, dry_run: bool, as_json: bool) -> None:
    """Import FILE (`-`: standard input) as NAME, say `items` or `locations`: every row, or none if any is wrong."""
    from flask import current_app

    from onhand.transaction import every_entity

    content = _read(file)
    with site():
        importers: list[Importer] = current_app.extensions["onhand"].gather("importers")
        known = {importer.name: importer for importer in importers}
        if name not in known:
            listed = "\n".join(f"  {one.name}: {one.help}" for one in importers) or "  none: no add-on imports anything"
            raise click.UsageError(f"{name!r} cannot be imported. What can:\n{listed}")
        try:
            with console.status(f"importing {name}"):
                report = _run(known[name], content, every_entity(), dry_run=dry_run)
        except ImportRefused as refused:
            _show_errors(refused.report, as_json=as_json)
            raise SystemExit(REFUSED) from None
    verb = "would be" if dry_run else "were"
    document = {
        "rows": report.rows,
        "created": report.created,
        "updated": report.updated,
        "errors": [],
        "dry_run": dry_run,
    }
    if report.requested:
        document["requested"] = report.requested
    message = f"{report.rows} rows: {report.created} {verb} created, {report.updated} {verb} updated"
    if report.requested:
        message += f", {report.requested} {verb} requested"
    done(document, message, as_json=as_json)


def _run(importer: Importer, content: bytes, entities: tuple[int, ...], *, dry_run: bool) -> ImportReport:
    from onhand.rehearsal import rehearse
    from onhand.transaction import run

    def command(session: Session, now: datetime) -> ImportReport:
        report = importer.run(session, content, operator(), now)
        if report.errors:
            raise ImportRefused(report)
        return report

    return rehearse(lambda command: run(command, entities=entities), command, dry_run=dry_run)


def _read(file: Path) -> bytes:
    if str(file) == "-":
        content = sys.stdin.buffer.read(FILE_BYTES_MAX + 1)
    elif file.stat().st_size > FILE_BYTES_MAX:
        raise Refused(f"{file} is larger than {FILE_BYTES_MAX // 1024**2} MiB: split it")
    else:
        content = file.read_bytes()
    if len(content) > FILE_BYTES_MAX:
        raise Refused(f"more than {FILE_BYTES_MAX // 1024**2} MiB: split it")
    return content


def _show_errors(report: ImportReport, *, as_json: bool) -> None:
    rows: list[dict[str, Any]] = [
        {"row": error.row, "column": error.column, "message": error.message, "value": error.value}
        for error in report.errors
    ]
    if as_json:
        document = {"rows": report.rows, "created": 0, "updated": 0, "errors": rows}
        done(document, "", as_json=True)
        return
    show(rows[:ERRORS_SHOWN_MAX], as_json=False)
    more = len(rows) - ERRORS_SHOWN_MAX
    if more > 0:
        click.echo(f"and {more} more", err=True)
    click.echo(f"{len(rows)} errors in {report.rows} rows: nothing was imported", err=True)
