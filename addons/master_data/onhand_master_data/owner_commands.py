"""`onhand owner`: who owns which field of the master data."""

from datetime import datetime
from typing import Any

import click
from onhand.cli.asking import entity_ids, entity_option, operator
from onhand.cli.output import as_json_option, done, show
from onhand.cli.site import site
from onhand.entities import entity_codes
from sqlalchemy.orm import Session

from onhand_master_data.commands import carry_out
from onhand_master_data.services import FIELD_NAMES, NewOwner, name_owners, owners

__all__ = ["owner"]


@click.group()
def owner() -> None:
    """Field owners: list, name."""


@owner.command("list")
@entity_option(required=False, help="One entity; without, who owns what concerns several.")
@as_json_option
def list_owners(entity: str | None, as_json: bool) -> None:
    """List who must agree to a change of which field."""
    from onhand.transaction import every_entity, run

    def command(session: Session, _: datetime) -> list[dict[str, Any]]:
        place = entity_ids(session, [entity])[0] if entity else None
        return [
            {
                "field": one.field, "label": one.label, "roles": ", ".join(one.roles), "said_by": one.place, "own": one.own
            }
            for one in owners(session, place)
        ]  # fmt: skip

    with site():
        rows = run(command, entities=every_entity())
    show(rows, as_json=as_json)


@owner.command()
@click.argument("field", type=click.Choice(list(FIELD_NAMES)))
@click.argument("role", required=False)
@entity_option(required=False, help="One entity; without, the whole group.")
@click.option("--note", help="Why, for the record.")
@click.option("--dry-run", is_flag=True, help="Check, and change nothing.")
@as_json_option
def name(field: str, role: str | None, entity: str | None, note: str | None, dry_run: bool, as_json: bool) -> None:
    """Name the ROLE that owns FIELD; without one, whoever owns the whole class does again."""

    def command(session: Session, now: datetime) -> dict[str, Any]:
        place = entity_ids(session, [entity])[0] if entity else None
        before = next(one for one in owners(session, place) if one.field == field)
        [made] = name_owners(session, [NewOwner(field, role, place)], note=note, by=operator(), now=now)
        after = next(one for one in owners(session, place) if one.field == field)
        return {
            "field": field, "entity": entity_codes(session)[place] if place else None, "before": list(before.roles),
            "after": list(after.roles), "status": made.status, "approval": str(made.id),
        }  # fmt: skip

    found = carry_out(command, dry_run=dry_run)
    if found["status"] == "pending":
        said = f"{'would wait' if dry_run else 'waits'} for consent"
    else:
        verb = "would be" if dry_run else "is"
        said = f"{field} {verb} owned by {', '.join(found['after'])} (before: {', '.join(found['before'])})"
    done(found | {"dry_run": dry_run}, said, as_json=as_json)
