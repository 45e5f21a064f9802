"""Founds the demo's retailer in an empty site: entities, add-ons, master data, channels, people and tokens."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import partial

import click
from flask import current_app
from onhand.access import declared_permissions
from onhand.access.passwords import hasher
from onhand.access.services import NewUser, RoleAt, create_users
from onhand.access.tokens import TokenRequest, issue
from onhand.actors import Actor
from onhand.addons import Addons
from onhand.addons.models import Entity as EntityRow
from onhand.contributions import Importer
from onhand.enablement import Change, change, create_entity
from onhand.policies.book import Where
from onhand.policies.services import PolicyChange, set_policies, set_policy
from onhand.problems import ImportRefused
from onhand.transaction import every_entity, run
from onhand_master_data.api import Catalogue, locations_by_code
from sqlalchemy.orm import Session

from onhand_demo import sheets
from onhand_demo.retailer import EAST, Entity
from onhand_demo.world import World

BY = Actor.system("demo")
CHANNEL_PERMISSIONS = ("channels.post_events", "reservations.hold", "reservations.read")
OVERDUE_POLICY = "reservations.overdue_seconds"
OVERDUE_AFTER_S = 15
VALUE_POLICY = "stock.unit_value_minor"
AUDITOR_PERMISSIONS = ("stock.read", "exceptions.read")


class NotEmpty(click.ClickException):
    """The demo was pointed at a site that is in use."""


@dataclass(frozen=True, slots=True)
class Login:
    """A person who may look around afterwards."""

    username: str
    password: str
    what: str
    user_id: int


@dataclass(frozen=True, slots=True)
class Founded:
    """What the founding hands out once: a token per channel, and the logins."""

    tokens: dict[str, str]
    auditor: str
    """a token that may read in every entity"""
    logins: tuple[Login, ...]
    store: tuple[int, int]
    """entity and location of the store that has people"""

    def login(self, username: str) -> Login:
        """Return who goes by a user name."""
        return next(each for each in self.logins if each.username == username)


def found(world: World) -> Founded:
    """Found the world; needs an application context, and a site where nobody is yet.

    The withheld products are not entered.
    """
    if every_entity():
        raise NotEmpty("this database has entities already; the demo founds its own in an empty one")
    entities = {entity.code: _create(entity) for entity in world.entities}
    bring_in("categories", sheets.categories(world))
    bring_in("locations", sheets.locations(world))
    bring_in("items", *sheets.items(world, world.items.keys() - set(world.withheld)))
    bring_in("channels", sheets.channels(world))
    run(partial(_expect_haste, entities[EAST.code]), entities=())
    run(partial(_value, world), entities=())
    *tokens, auditor = _issue(_token_requests(world, entities))
    logins, store = _admit(world, entities)
    return Founded(dict(zip(world.channels, tokens, strict=True)), auditor, logins, store)


def bring_in(name: str, *files: bytes) -> None:
    """Import files as `onhand import` does: every row of each, or an error that says which rows are at fault."""
    addons: Addons = current_app.extensions["onhand"]
    importer: Importer = next(each for each in addons.gather("importers") if each.name == name)
    for file in files:
        run(partial(_import, importer, file), entities=every_entity())


def _import(importer: Importer, file: bytes, session: Session, now: datetime) -> None:
    try:
        importer.run(session, file, BY, now)
    except ImportRefused as refused:
        faults = "; ".join(f"row {error.row} {error.column}: {error.message}" for error in refused.report.errors[:5])
        raise RuntimeError(f"the {importer.name} were not taken: {faults}") from refused


def _create(entity: Entity) -> int:
    def command(session: Session, now: datetime) -> int:
        row = EntityRow(
            code=entity.code,
            name=entity.name,
            currency=entity.currency,
            country=entity.country,
            time_zone=entity.time_zone,
            recorded_at=now,
        )
        return create_entity(session, row).id

    entity_id = run(command, entities=())
    addons: Addons = current_app.extensions["onhand"]
    wishes = [Change(entity_id, noun, "enabled") for noun in addons.names if noun in entity.addons]
    run(lambda session, now: change(session, wishes, by=BY, now=now), entities=(entity_id,))
    return entity_id


def _expect_haste(entity_id: int, session: Session, now: datetime) -> None:
    """Confirmed orders are overdue within seconds, or nobody would see one in a demo."""
    place = Where(entity_id=entity_id)
    set_policy(session, OVERDUE_POLICY, OVERDUE_AFTER_S, place, by=BY, now=now)


def _value(world: World, session: Session, now: datetime) -> None:
    """A unit is worth what its category brought in on average, so that what is at risk has a price."""
    one_of = {item.sku: item.category for number, item in world.items.items() if number not in world.withheld}
    resolved = Catalogue().resolve(session, skus=set(one_of)).by_sku
    found = {one_of[item.sku]: item.category_id for item in resolved.values()}
    changes = [
        PolicyChange(VALUE_POLICY, Decimal(world.values[code]), Where(category_id=category_id))
        for code, category_id in sorted(found.items())
    ]
    set_policies(session, changes, by=BY, now=now)


def _token_requests(world: World, entities: dict[str, int]) -> list[TokenRequest]:
    """One token for each channel, then the auditor's."""
    requests = [
        TokenRequest(
            name=f"demo {channel.code}",
            entity_id=entities[channel.entity.code],
            permissions=CHANNEL_PERMISSIONS,
            source=channel.code,
        )
        for channel in world.channels.values()
    ]
    return [*requests, TokenRequest("demo auditor", None, AUDITOR_PERMISSIONS)]


def _issue(requests: Sequence[TokenRequest]) -> list[str]:
    declared = declared_permissions()
    issued = run(lambda session, now: issue(session, requests, declared, by=BY, now=now), entities=())
    return [token.secret for token in issued]


def _admit(world: World, entities: dict[str, int]) -> tuple[tuple[Login, ...], tuple[int, int]]:
    east = entities[EAST.code]
    store = next(each for each in world.stores.values() if each.entity is EAST)

    def command(session: Session, now: datetime) -> tuple[tuple[Login, ...], tuple[int, int]]:
        place = locations_by_code(session, [store.code])[store.code]
        people: Sequence[tuple[str, str, RoleAt]] = (
            ("admin", "administrator of the group", RoleAt("admin")),
            ("governance", "governance lead of the group", RoleAt("governance")),
            ("manager", f"manager of {store.name}", RoleAt("store_manager", east, place.id)),
            ("clerk", f"clerk of {store.name}", RoleAt("clerk", east, place.id)),
        )
        passwords = [secrets.token_urlsafe(9) for _ in people]
        users = [
            NewUser(username, what.capitalize(), hasher().hash(password), (role,))
            for (username, what, role), password in zip(people, passwords, strict=True)
        ]
        made = create_users(session, users, by=BY, now=now)
        logins = [
            Login(username, password, what, user.id)
            for (username, what, _), password, user in zip(people, passwords, made, strict=True)
        ]
        return tuple(logins), (east, place.id)

    return run(command, entities=every_entity())
