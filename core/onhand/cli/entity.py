"""`onhand entity`: the legal entities, brands or countries that own stock."""

import click

from onhand.cli.asking import operator
from onhand.cli.exits import Refused
from onhand.cli.output import as_json_option, done, show
from onhand.cli.site import site

__all__ = ["entity"]


@click.group()
def entity() -> None:
    """Entities: create, list."""


@entity.command()
@click.argument("code")
@click.option("--name", help="Its name; the code if not given.")
@click.option("--currency", default="EUR", show_default=True, help="ISO 4217.")
@click.option("--country", default="DE", show_default=True, help="ISO 3166-1, two letters.")
@click.option("--time-zone", default="UTC", show_default=True, help="Say Europe/Berlin.")
@as_json_option
def create(code: str, name: str | None, currency: str, country: str, time_zone: str, as_json: bool) -> None:
    """Add an entity. Nothing is enabled for it yet: see `onhand addon`."""
    from zoneinfo import available_timezones

    from sqlalchemy import select
    from sqlalchemy.orm import Session

    from onhand import audit
    from onhand.addons.models import Entity
    from onhand.enablement import create_entity
    from onhand.transaction import run

    if time_zone not in available_timezones():
        raise click.BadParameter(f"there is no time zone {time_zone!r}", param_hint="--time-zone")

    def command(session: Session, now: object) -> int:
        if session.scalar(select(Entity.id).where(Entity.code == code)) is not None:
            raise Refused(f"there is an entity {code!r} already")
        added = create_entity(
            session,
            Entity(
                code=code,
                name=name or code,
                currency=currency,
                country=country,
                time_zone=time_zone,
                recorded_at=now,
            ),
        )
        audit.record(session, operator(), "entity.create", f"entity:{added.id}", after={"code": code})
        return added.id

    with site():
        entity_id = run(command, entities=())
    done({"id": entity_id, "code": code}, f"entity {code} is there, with id {entity_id}", as_json=as_json)


@entity.command("list")
@as_json_option
def list_entities(as_json: bool) -> None:
    """List entities and what is enabled for each."""
    from datetime import datetime
    from typing import Any

    from sqlalchemy import select
    from sqlalchemy.orm import Session

    from onhand.addons.models import Entity
    from onhand.transaction import context, run

    def command(session: Session, now: datetime) -> list[dict[str, Any]]:
        addons = context(session).addons
        return [
            {
                "id": row.id,
                "code": row.code,
                "name": row.name,
                "currency": row.currency,
                "country": row.country,
                "time_zone": row.time_zone,
                "enabled": [noun for noun in addons.names if addons.enabled(row.id, noun, now)],
            }
            for row in session.scalars(select(Entity).order_by(Entity.code))
        ]

    with site():
        rows = run(command, entities=())
    show(rows, as_json=as_json, none="no entities yet: onhand entity create CODE")
