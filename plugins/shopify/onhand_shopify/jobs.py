"""What shopify does by itself."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from onhand.actors import Actor
from onhand.jobs import actor, enqueue
from onhand.policies.book import Where
from onhand.policies.services import resolve
from onhand.sealing import Unopened
from onhand.transaction import run
from onhand_channels.api import ChannelRef, channels_by_code
from psycopg import OperationalError
from sqlalchemy.exc import OperationalError as EngineOperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from onhand_shopify import queries, services
from onhand_shopify.admin_api import AdminApi, Trouble
from onhand_shopify.talking import with_api
from onhand_shopify.values import ItemRow, ShopRef

__all__ = ["KEEP_DAYS", "have_read", "have_taken", "prune_deliveries", "read_shop", "read_shops", "take_deliveries"]

log = structlog.get_logger("onhand.shopify")

KEEP_DAYS = "shopify.delivery_days"
TAKER = Actor.system("shopify")
NOBODYS_FAULT = (OperationalError, EngineOperationalError, PoolTimeout)


@actor(attempts=8)
def take_deliveries(entities: Sequence[int], channel: str) -> None:
    """Tell what waiting webhooks of a shop say, a hundred at once. Twice is harmless: a fact has one name.

    What an add-on fails on is parked and harms no other. Inventory items that nobody knows are asked for once.
    """
    asked: set[int] = set()
    while True:
        ids = run(lambda session, _: _waiting(session, channel), entities=entities)
        if not ids:
            return
        unknown = set(_take(entities, channel, ids)) - asked
        asked |= unknown
        if unknown:
            _learn(entities, channel, sorted(unknown))


@actor(attempts=5, seconds_max=1_800)
def read_shop(entities: Sequence[int], channel: str) -> None:
    """Read a shop's locations and inventory items. Twice is harmless: what is known already stays as it is.

    What was parked for want of them is told. What goes wrong stands on the shop's page.
    """
    for entity_id in entities:
        try:
            if with_api(entity_id, channel, _read) is None:
                continue
            fault = None
        except (Trouble, Unopened) as error:
            fault = error
        run(lambda session, now, f=fault: _note_read(session, channel, f, now), entities=[entity_id])  # type: ignore[misc]
        if isinstance(fault, Trouble) and (fault.pause_seconds is not None or fault.is_unheard):
            raise fault  # the job is tried again


@actor()
def read_shops(entities: Sequence[int]) -> None:
    """Have every shop read again. Twice is harmless: each waits once."""

    def command(session: Session, _: datetime) -> None:
        for entity_id in entities:
            for code in queries.codes(session, [entity_id]):
                enqueue(session, read_shop, entity_id=entity_id, args={"channel": code}, key=code)

    run(command, entities=entities)


@actor()
def prune_deliveries(entities: Sequence[int]) -> None:
    """Throw away webhooks that are done with and older than the entity keeps them. Twice is harmless: they are gone."""

    def command(session: Session, now: datetime, entity_id: int) -> int:
        days = resolve(session, KEEP_DAYS, Where(entity_id=entity_id), at=now)
        assert isinstance(days, int)  # noqa: S101 - the policy says so
        return services.prune(session, [entity_id], before=now - timedelta(days=days))

    for entity_id in entities:
        while run(lambda session, now, e=entity_id: command(session, now, e), entities=[entity_id]):  # type: ignore[misc]
            pass


def _waiting(session: Session, code: str) -> list[UUID]:
    return [id_ for channel in channels_by_code(session, [code]) for id_ in services.waiting(session, channel.id)]


def _take(entities: Sequence[int], code: str, ids: Sequence[UUID]) -> list[int]:
    """Take webhooks together, or each on its own where that fails; return the inventory items nobody knows."""
    try:
        return run(lambda session, now: _taken(session, code, ids, now), entities=entities)
    except NOBODYS_FAULT:
        raise  # the job is tried again
    except Exception as error:
        if len(ids) > 1:
            return [item for one in ids for item in _take(entities, code, [one])]
        log.exception("delivery_not_taken", channel=code, delivery=str(ids[0]))
        run(lambda session, now, e=error: _give_up(session, code, ids[0], e, now), entities=entities)  # type: ignore[misc]
        return []


def _taken(session: Session, code: str, ids: Sequence[UUID], now: datetime) -> list[int]:
    return services.take(session, _channel(session, code), ids, by=TAKER, now=now)


def _give_up(session: Session, code: str, id: UUID, error: Exception, now: datetime) -> None:  # noqa: A002
    services.give_up(session, _channel(session, code), id, error, now=now)


def _channel(session: Session, code: str) -> ChannelRef:
    [channel] = channels_by_code(session, [code])
    return channel


def _learn(entities: Sequence[int], code: str, shopify_ids: list[int]) -> None:
    """Ask a shop for the SKUs of inventory items; where it does not answer, the daily reading will."""
    for entity_id in entities:
        try:
            with_api(entity_id, code, lambda shop, api: _save(shop, api.items_by_id(shopify_ids)))
        except (Trouble, Unopened) as error:
            log.warning("items_not_learned", channel=code, why=str(error))


def _read(shop: ShopRef, api: AdminApi) -> bool:
    begun = run(lambda _, now: now, entities=[shop.entity_id])
    locations = api.locations()
    run(lambda session, _: services.save_locations(session, shop.channel_id, locations), entities=[shop.entity_id])
    for page in api.items():
        _save(shop, page)
    _save(shop, [], whole=begun)
    return True


def _save(shop: ShopRef, rows: list[ItemRow], whole: datetime | None = None) -> bool:
    def command(session: Session, now: datetime) -> None:
        services.save_items(session, shop.channel_id, rows, now=now, whole=whole)
        if services.waiting(session, shop.channel_id):
            have_taken(session, shop.entity_id, shop.code)

    run(command, entities=[shop.entity_id])
    return True


def _note_read(session: Session, code: str, fault: Exception | None, now: datetime) -> None:
    services.note_read(session, _channel(session, code).id, None if fault is None else str(fault), now=now)


def have_taken(session: Session, entity_id: int, code: str) -> None:
    """Have a job look at what waits of a shop, after this transaction."""
    enqueue(session, take_deliveries, entity_id=entity_id, args={"channel": code}, key=code)


def have_read(session: Session, entity_id: int, code: str) -> None:
    """Have a job read a shop, after this transaction."""
    enqueue(session, read_shop, entity_id=entity_id, args={"channel": code}, key=code)
