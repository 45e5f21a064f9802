"""`onhand authority`: which system is authoritative for which data."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

import click
from onhand.cli.asking import Moment, at_option, entity_ids, entity_option, operator
from onhand.cli.exits import Refused as Declined
from onhand.cli.output import as_json_option, done, show
from onhand.cli.site import site
from onhand.entities import entity_codes
from sqlalchemy.orm import Session

from onhand_master_data.authority import DOMAINS
from onhand_master_data.refusals import Refused
from onhand_master_data.services import Ending, Naming, end_authorities, name_authorities, registered

__all__ = ["authority", "carry_out"]

T = TypeVar("T")


@click.group()
def authority() -> None:
    """Authoritative systems: list, name, end."""


@authority.command("list")
@entity_option(required=False, help="One entity; without, all.")
@click.option("--domain", type=click.Choice(list(DOMAINS)), help="One data domain.")
@as_json_option
def list_authorities(entity: str | None, domain: str | None, as_json: bool) -> None:
    """List the registry: who is authoritative from when until when."""
    from onhand.transaction import every_entity, run

    def command(session: Session, now: datetime) -> list[dict[str, Any]]:
        codes = entity_codes(session)
        wanted = entity_ids(session, [entity]) if entity else list(codes)
        return [
            row.told(codes) | {"in_force": row.holds(now)}
            for row in registered(session, wanted)
            if domain in (None, row.domain)
        ]

    with site():
        rows = run(command, entities=every_entity())
    show(rows, as_json=as_json, none="nobody is named: every system may write")


@authority.command()
@click.argument("domain", type=click.Choice(list(DOMAINS)))
@click.argument("system")
@entity_option(help="The entity whose data it is.")
@at_option
@click.option("--until", type=Moment(), help="Ends then; without, when another is named.")
@click.option("--replace", is_flag=True, help="End the period that is in force then.")
@click.option("--reason", help="Why, for the record.")
@click.option("--dry-run", is_flag=True, help="Check, and change nothing.")
@as_json_option
def name(
    domain: str,
    system: str,
    entity: str,
    effective_from: datetime | None,
    until: datetime | None,
    replace: bool,
    reason: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Name SYSTEM, the source of its tokens or `onhand`, authoritative for DOMAIN of an entity."""

    def command(session: Session, now: datetime) -> dict[str, Any]:
        [entity_id] = entity_ids(session, [entity])
        naming = Naming(entity_id, domain, system, effective_from, until, reason, replace)
        [made] = name_authorities(session, [naming], by=operator(), now=now)
        return made.told(entity_codes(session))

    document = carry_out(command, dry_run=dry_run)
    verb = "would be" if dry_run else "is"
    done(document | {"dry_run": dry_run}, f"{system} {verb} authoritative for {domain} of {entity}", as_json=as_json)


@authority.command()
@click.argument("period", type=int)
@click.option("--at", type=Moment(), help="When; without, now.")
@click.option("--dry-run", is_flag=True, help="Check, and change nothing.")
@as_json_option
def end(period: int, at: datetime | None, dry_run: bool, as_json: bool) -> None:
    """End PERIOD, by its number in the list; one that has not begun is withdrawn."""

    def command(session: Session, now: datetime) -> dict[str, Any]:
        [row] = end_authorities(session, [Ending(period, at)], by=operator(), now=now)
        return row.told(entity_codes(session))

    document = carry_out(command, dry_run=dry_run)
    until = document["effective_until"]
    done(document | {"dry_run": dry_run}, f"it {'would end' if dry_run else 'ends'} {until}", as_json=as_json)


def carry_out(command: Callable[[Session, datetime], T], *, dry_run: bool) -> T:
    """Run a command over all entities; a dry run is undone. What it refuses is said, and ends with exit code 1."""
    from onhand.rehearsal import rehearse
    from onhand.transaction import every_entity, run

    with site():
        try:
            return rehearse(lambda command: run(command, entities=every_entity()), command, dry_run=dry_run)
        except Refused as refused:
            raise Declined("; ".join(f"{error.field}: {error.message}" for error in refused.errors)) from None
