"""`onhand audit`: seal the trail, prove it, keep its head outside, and hand it to an auditor."""

import sys
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from sqlalchemy.orm import Session

from onhand.cli.asking import Moment, entity_ids, entity_option, operator
from onhand.cli.output import as_json_option, console, done
from onhand.cli.site import site

if TYPE_CHECKING:
    from onhand.audit.verification import Anchor, Fault

__all__ = ["audit"]

DIGEST_HEX = 64


@click.group()
def audit() -> None:
    """The audit trail: head, seal, verify, export."""


@audit.command()
@as_json_option
def head(as_json: bool) -> None:
    """Print the newest block as NUMBER:DIGEST. Keep it outside, day by day: `verify --head` holds the trail to it."""
    from onhand.audit.sealing import head as newest
    from onhand.transaction import run

    with site():
        block = run(lambda session, _: newest(session), entities=())
    document = {
        "number": block.number if block else 0,
        "digest": block.digest.hex() if block else None,
        "last_id": block.last_id if block else 0,
        "sealed_at": block.sealed_at if block else None,
    }
    done(document, str(block) if block else "nothing is sealed yet", as_json=as_json)


@audit.command()
@as_json_option
def seal(as_json: bool) -> None:
    """Seal all rows there are at this moment; the scheduler does so once a minute."""
    from onhand.audit.sealing import seal_now

    with site():
        rows = 0
        while sealed := seal_now():
            rows += sealed
    done({"rows": rows}, f"{rows} rows are sealed", as_json=as_json)


@audit.command()
@click.option(
    "--head", "heads", multiple=True, metavar="N:DIGEST|FILE", help="What was kept of a head, or a file of such lines."
)
@as_json_option
def verify(heads: tuple[str, ...], as_json: bool) -> None:
    """Recompute every block and say which row or block is not as it was sealed. Exits with 1 when any is."""
    from onhand.audit.verification import verify as recompute
    from onhand.transaction import every_entity, run

    anchors = [anchor for given in heads for anchor in _anchors(given)]
    with site(), console.status("recomputing"):
        found = run(lambda session, _: recompute(session, anchors), entities=every_entity())
    document = {
        "blocks": found.blocks,
        "rows": found.rows,
        "unsealed": found.unsealed,
        "head": f"{found.head.number}:{found.head.digest.hex()}" if found.head else None,
        "faults": [_plain(fault) for fault in found.faults],
    }
    if not as_json:
        for fault in found.faults:
            click.echo(_told(fault))
    verdict = f"{len(found.faults)} faults" if found.faults else "The trail is as it was sealed: 0 faults"
    done(
        document,
        f"{verdict}; {found.blocks} blocks, {found.rows} rows, {found.unsealed} not sealed yet",
        as_json=as_json,
    )
    sys.exit(1 if found.faults else 0)


@audit.command()
@click.argument("file", type=click.Path(dir_okay=False, writable=True, allow_dash=True, path_type=Path), default="-")
@click.option("--from", "since", type=Moment("UTC"), help="Recorded then or later; without an offset, in UTC.")
@click.option("--to", "until", type=Moment("UTC"), help="Recorded before.")
@entity_option(required=False, help="One entity's rows alone.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["jsonl", "csv"]),
    default="jsonl",
    show_default=True,
    help="With CSV the blocks go to FILE.blocks.jsonl.",
)
def export(file: Path, since: datetime | None, until: datetime | None, entity: str | None, form: str) -> None:
    """Write rows, and the blocks that vouch for them, to FILE (`-`: standard output). The export is itself recorded."""
    from onhand.audit.exporting import Wanted, export_csv, export_jsonl
    from onhand.transaction import every_entity, run

    if form == "csv" and str(file) == "-":
        raise click.UsageError("CSV is written to a FILE, with its blocks beside it")

    def command(session: Session, _: datetime) -> int:
        chosen = entity_ids(session, [entity])[0] if entity else None
        wanted = Wanted(since, until, chosen)
        with ExitStack() as stack:
            stream = (
                sys.stdout if str(file) == "-" else stack.enter_context(file.open("w", encoding="utf-8", newline=""))
            )
            if form == "jsonl":
                return export_jsonl(session, wanted, stream, by=operator())
            beside = file.with_name(f"{file.name}.blocks.jsonl")
            blocks = stack.enter_context(beside.open("w", encoding="utf-8"))
            return export_csv(session, wanted, stream, blocks, by=operator())

    with site(), console.status("exporting"):
        rows = run(command, entities=every_entity())
    click.echo(f"{rows} rows", err=True)


def _anchors(given: str) -> "list[Anchor]":
    path = Path(given)
    lines = path.read_text().split() if ":" not in given and path.is_file() else [given]
    return [_anchor(line) for line in lines]


def _anchor(text: str) -> "Anchor":
    from onhand.audit.verification import Anchor

    number, _, digest = text.partition(":")
    try:
        anchor = Anchor(int(number), bytes.fromhex(digest))
    except ValueError:
        anchor = None
    if anchor is None or len(digest) != DIGEST_HEX:
        raise click.UsageError(
            f"{text!r} is neither NUMBER:DIGEST, as `onhand audit head` prints it, nor a file of such lines"
        )
    return anchor


def _plain(fault: "Fault") -> dict[str, Any]:
    return {
        "what": fault.what,
        "block": fault.block,
        "row": fault.row,
        "fields": list(fault.fields),
        "detail": fault.detail,
    }


def _told(fault: "Fault") -> str:
    row = f", row {fault.row}" if fault.row is not None else ""
    fields = f" ({', '.join(fault.fields)})" if fault.fields else ""
    return f"  {fault.what}: block {fault.block}{row}{fields}{f': {fault.detail}' if fault.detail else ''}"
