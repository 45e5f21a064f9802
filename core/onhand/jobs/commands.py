"""`onhand job`: see what waits or was given up, and have it tried again."""

import json
from typing import Any

import click
from flask.cli import with_appcontext
from sqlalchemy.orm import Session

from onhand.db import cursor
from onhand.jobs.queue import resend
from onhand.transaction import run

__all__ = ["job"]

COLUMNS = ("id", "status", "actor", "entity_id", "attempts", "attempts_max", "due_at", "recorded_at", "error")
LISTED_MAX = 1_000


@click.group()
def job() -> None:
    """Work that is done after the fact: what waits, what was given up, and another try."""


@job.command("list")
@click.option("--parked", is_flag=True, help="Only what was given up.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
@with_appcontext
def list_jobs(parked: bool, as_json: bool) -> None:
    """List jobs, the oldest first, with the last error of each."""
    rows = run(lambda session, _: _jobs(session, parked=parked), entities=())
    if as_json:
        click.echo(json.dumps(rows, default=str))
        return
    for row in rows:
        last = (row["error"] or "").strip().rpartition("\n")[2]
        click.echo(
            f"{row['id']}  {row['status']}  {row['actor']}  {row['attempts']}/{row['attempts_max']}  {last}".rstrip()
        )
    click.echo(f"{len(rows)} jobs", err=True)


@job.command()
@click.argument("ids", type=int, nargs=-1)
@click.option("--parked", is_flag=True, help="Every job that was given up.")
@with_appcontext
def retry(ids: tuple[int, ...], parked: bool) -> None:
    """Have jobs that were given up tried again from the first attempt."""
    if bool(ids) == parked:
        raise click.UsageError("Name job ids, or --parked for all that were given up.")
    retried = run(lambda session, now: resend(session, None if parked else ids, now=now), entities=())
    click.echo(f"{retried} jobs will be tried again")
    if not parked and retried < len(set(ids)):
        raise click.ClickException("Not every one of these is a job that was given up.")


def _jobs(session: Session, *, parked: bool) -> list[dict[str, Any]]:
    rows = cursor(session).execute(
        f"SELECT {', '.join(COLUMNS)} FROM onhand.job WHERE status = 'parked' OR NOT %s ORDER BY id LIMIT %s",
        (parked, LISTED_MAX),
    )
    return [dict(zip(COLUMNS, row, strict=True)) for row in rows.fetchall()]
