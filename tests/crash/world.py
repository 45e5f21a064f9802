"""The world of a run: one entity, some items of which a few are scarce, locations, channels and tokens."""

from dataclasses import dataclass
from datetime import datetime

from flask import Flask
from onhand.access import declared_permissions
from onhand.access.tokens import TokenRequest, issue
from onhand.actors import Actor
from onhand.addons.models import Entity
from onhand.enablement import Change, change, create_entity
from onhand.transaction import run
from onhand_channels.api import ChannelDraft, save_channels
from onhand_master_data.api import ItemDraft, LocationDraft, create_items, create_locations
from onhand_stock.api import Group, Move, post
from sqlalchemy.orm import Session

__all__ = ["World", "found"]

ENTITY = "crash"
ITEMS = 40
HOT = 4
LOCATIONS = 4
PLENTY = 400
SCARCE = 12
BY = Actor.system("crash")
PERMISSIONS = ("reservations.hold", "reservations.read", "channels.post_events")


@dataclass(frozen=True, slots=True)
class World:
    """What the clients know: codes, what stood on the shelves at the start, and a token per channel."""

    skus: tuple[str, ...]
    hot: tuple[str, ...]
    locations: tuple[str, ...]
    opening: dict[tuple[str, str], int]
    """(SKU, location) → units"""
    tokens: dict[str, str]


def found(app: Flask, nouns: list[str]) -> World:
    """Found it through the public verbs, in an empty site."""
    skus = tuple(f"SKU-{number:03}" for number in range(ITEMS))
    codes = tuple(f"STORE-{number}" for number in range(LOCATIONS))
    opening = {(sku, code): SCARCE if sku in skus[:HOT] else PLENTY for sku in skus for code in codes}
    with app.app_context():
        entity_id = run(_entity, entities=())
        wishes = [Change(entity_id, noun, "enabled") for noun in nouns]
        run(lambda session, now: change(session, wishes, by=BY, now=now), entities=[entity_id])

        def stock(session: Session, now: datetime) -> None:
            drafts = [
                LocationDraft(code=code, name=code, kind="store", entity=ENTITY, time_zone="UTC") for code in codes
            ]
            places = {one.code: one.id for one in create_locations(session, drafts, by=BY, now=now)}
            goods = [ItemDraft(sku=sku, name=sku, entities=(ENTITY,)) for sku in skus]
            items = {one.sku: one.id for one in create_items(session, goods, by=BY, now=now)}
            channels = [
                ChannelDraft("web", "Web", "ecommerce", ENTITY, codes),
                ChannelDraft("till", "Tills", "pos", ENTITY, codes),
            ]
            save_channels(session, channels, by=BY, now=now)
            _receive(
                session, now, entity_id, {(items[sku], places[code]): units for (sku, code), units in opening.items()}
            )

        run(stock, entities=[entity_id])
        requests = [TokenRequest(name, entity_id, PERMISSIONS, source=name) for name in ("web", "till")]
        declared = declared_permissions()
        issued = run(lambda session, now: issue(session, requests, declared, by=BY, now=now), entities=[entity_id])
    tokens = dict(zip(("web", "till"), (one.secret for one in issued), strict=True))
    return World(skus, skus[:HOT], codes, opening, tokens)


def _entity(session: Session, now: datetime) -> int:
    made = Entity(code=ENTITY, name="Crash", currency="EUR", country="DE", time_zone="UTC", recorded_at=now)
    return create_entity(session, made).id


def _receive(session: Session, now: datetime, entity_id: int, units: dict[tuple[int, int], int]) -> None:
    groups = [
        Group(
            f"opening:{item_id}@{location_id}",
            (Move("receipt", entity_id, item_id, quantity, (("supplier", None),), "available", None, location_id),),
            "opening",
            now,
            "crash",
        )
        for (item_id, location_id), quantity in units.items()
    ]
    post(session, groups, by=BY, now=now)
