import csv
import io

import click
from onhand import audit
from onhand.contributions import ImportReport, RowError
from onhand.db import cursor
from onhand.transaction import every_entity, run


def things(session, content, by, now):
    errors, created = [], 0
    for number, row in enumerate(csv.DictReader(io.StringIO(content.decode())), start=2):
        if not row["size"].isdecimal():
            errors.append(RowError(number, "size", "not a whole number", row["size"]))
            continue
        audit.record(session, by, "gate.import", row["name"])
        created += 1
    return ImportReport(rows=created + len(errors), created=created, errors=tuple(errors))


@click.command()
def count():
    """Count what was imported."""
    rows = run(
        lambda s, now: cursor(s).execute("SELECT count(*) FROM onhand.audit WHERE action = 'gate.import'").fetchone(),
        entities=every_entity(),
    )
    click.echo(rows[0])
