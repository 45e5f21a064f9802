"""`onhand ledger verify`."""

import sys

import click
from onhand.cli.output import as_json_option, console, done
from onhand.transaction import every_entity, run
from rich.console import Console
from rich.table import Table

from onhand_stock.services import Finding
from onhand_stock.services import verify as verify_books

__all__ = ["verify"]


@click.command("verify")
@as_json_option
def verify(as_json: bool) -> None:
    """Check every invariant of every installed add-on. Exits with 1 when the books differ."""
    with console.status("checking") as status:
        findings = run(
            lambda session, now: verify_books(
                session, now=now, told=lambda found: status.update(f"{found.code} {found.name}")
            ),
            entities=every_entity(),
        )
    differences = sum(finding.differences for finding in findings)
    if not as_json:
        _print(findings)
    document = {"differences": differences, "invariants": [_plain(one) for one in findings]}
    sentence = f"{differences} differences" if differences else "The books agree: 0 differences"
    done(document, sentence, as_json=as_json)
    sys.exit(1 if differences else 0)


def _plain(found: Finding) -> dict[str, object]:
    return {
        "code": found.code,
        "name": found.name,
        "differences": found.differences,
        "seconds": found.seconds,
        "examples": list(found.examples),
    }


def _print(findings: list[Finding]) -> None:
    table = Table("law", "name", "what holds", "differences", "seconds")
    for found in findings:
        table.add_row(found.code, found.name, found.explains, str(found.differences), f"{found.seconds:.3f}")
    Console().print(table)
    for found in findings:
        for example in found.examples:
            click.echo(
                f"  {found.code} {found.name}: " + ", ".join(f"{name}={value}" for name, value in example.items())
            )
