"""What shopify does by itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

import structlog
from onhand.actors import Actor
from onhand.jobs import actor, enqueue
from onhand.sealing import Unopened
from onhand.transaction import run
from onhand_channels.api import ChannelRef, channels_by_code, retry_numbers
from psycopg import OperationalError
from sqlalchemy.exc import OperationalError as EngineOperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from onhand_shopify import queries, services, settings
from onhand_shopify.admin_api import AdminApi, Trouble
from onhand_shopify.talking import with_api
from onhand_shopify.values import ItemRow, ShopRef

__all__ = [
    "have_level_taken", "have_read", "have_taken",
    "hold_again", "hold_orders", "prune_deliveries", "read_shop", "read_shops", "take_deliveries",
]  # fmt: skip

log = structlog.get_logger("onhand.shopify")

AGAIN_FOR = timedelta(days=7)
WAITS_MAX = 20
ITEM_REASONS = frozenset({"unknown_item", "sku_twice"})
TAKER = Actor.system("shopify")
NOBODYS_FAULT = (OperationalError, EngineOperationalError, PoolTimeout)


@actor(attempts=8)
def take_deliveries(entities: Sequence[int], channel: str) -> None:
    """Tell what waiting webhooks of a shop say, a hundred at once. Twice is harmless: a fact has one name.

    What an add-on fails on is parked and harms no other. Inventory items that nobody knows are asked for once.
    """
    asked: set[int] = set()
    while True:
        ids = run(lambda session, now: _waiting(session, channel, now), entities=entities)
        if not ids:
            return
        unknown = set(_take(entities, channel, ids)) - asked
        asked |= unknown
        if unknown:
            _learn(entities, channel, sorted(unknown))


@actor(attempts=8)
def hold_orders(entities: Sequence[int], channel: str, orders: Sequence[str]) -> None:
    """Hold what a shop has sold until it is shipped. Twice is harmless: an order is held once."""

    def command(session: Session, now: datetime, *, verb: str) -> None:
        for found in channels_by_code(session, [channel]):
            if settings.holds_orders(session, found, now):
                from onhand_shopify import reservations  # which needs the add-on

                getattr(reservations, verb)(session, found, orders, by=TAKER, now=now)

    for verb in ("hold_new", "let_go"):  # each under locks of its own
        run(partial(command, verb=verb), entities=entities)


@actor()
def hold_again(entities: Sequence[int]) -> None:
    """Have orders that could not be held, or were not told yet, looked at again for a week. Twice is harmless."""

    def command(session: Session, now: datetime) -> None:
        for entity_id in entities:
            for code, orders in queries.orders_to_hold(session, entity_id, since=now - AGAIN_FOR).items():
                args = {"channel": code, "orders": orders}
                enqueue(session, hold_orders, entity_id=entity_id, args=args, key=f"again:{code}")

    run(command, entities=entities)


@actor(attempts=5, seconds_max=1_800)
def read_shop(
    entities: Sequence[int], channel: str, after: str | None = None, begun: str | None = None, waits: int = 0
) -> None:
    """Read a shop's locations and inventory items. Twice is harmless: what is known already stays as it is.

    What was parked for want of them is told. Where the shop takes no more questions for now, another job reads on from there
    when it does: `after` that page, as of when the reading was `begun`; `waits` is how often it has waited for this page. What
    goes wrong stands on the shop's page.
    """
    for entity_id in entities:
        reading = Reading(after, begun)
        try:
            if with_api(entity_id, channel, reading.go_on) is None:
                continue
            fault = None
        except (Trouble, Unopened) as error:
            fault = error
        if isinstance(fault, Trouble) and fault.pause_seconds is not None:
            waited = waits + 1 if reading.after == after else 1
            if waited <= WAITS_MAX:
                _have_rest_read(entity_id, channel, reading, waited, timedelta(seconds=fault.pause_seconds))
                continue
        run(partial(_note_read, code=channel, fault=fault), entities=[entity_id])
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

    def command(session: Session, now: datetime, *, entity_id: int) -> int:
        return services.prune(session, [entity_id], before=now - settings.keeps_for(session, entity_id, now))

    for entity_id in entities:
        while run(partial(command, entity_id=entity_id), entities=[entity_id]):
            pass


def _waiting(session: Session, code: str, now: datetime) -> list[UUID]:
    found: list[UUID] = []
    for channel in channels_by_code(session, [code]):
        wait = settings.levels_wait(session, channel.entity_id, now)
        found += services.waiting(session, channel.id, levels_until=now - wait)
        since = None if found else services.waits_since(session, channel.id)
        if since is not None:  # only its own numbers still wait: for a job when their time has come
            have_level_taken(session, channel.entity_id, code, received_at=since, now=now)
    return found


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
        run(partial(_give_up, code=code, delivery_id=ids[0], error=error), entities=entities)
        return []


def _taken(session: Session, code: str, ids: Sequence[UUID], now: datetime) -> list[int]:
    channel = _channel(session, code)
    taken = services.take(session, channel, ids, by=TAKER, now=now)
    if taken.orders and settings.holds_orders(session, channel, now):
        args = {"channel": code, "orders": taken.orders}
        enqueue(session, hold_orders, entity_id=channel.entity_id, args=args)
    return taken.unknown_items


def _give_up(session: Session, now: datetime, *, code: str, delivery_id: UUID, error: Exception) -> None:
    services.give_up(session, _channel(session, code), delivery_id, error, now=now)


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


@dataclass(slots=True)
class Reading:
    """Reading a shop, page by page: `after` is where the next page begins, `begun` when the first was asked for."""

    after: str | None
    begun: str | None

    def go_on(self, shop: ShopRef, api: AdminApi) -> bool:
        """Read the locations, if the reading has not come to its items yet, and then all pages that are left."""
        if self.begun is None:
            self.begun = run(lambda _, now: now, entities=[shop.entity_id]).isoformat()
        if self.after is None:
            rows = api.locations()
            run(lambda session, _: services.save_locations(session, shop.channel_id, rows), entities=[shop.entity_id])
        for page, end in api.items(after=self.after):
            _save(shop, page)
            self.after = end
        _save(shop, [], whole=datetime.fromisoformat(self.begun))
        run(lambda session, now: _retry_numbers(session, shop.code, now), entities=[shop.entity_id])
        return True


def _retry_numbers(session: Session, code: str, now: datetime) -> None:
    """Have the feed's numbers tried again that were parked for an item the shop had not, or had twice."""
    retry_numbers(session, _channel(session, code), reasons=ITEM_REASONS, by=TAKER, now=now)


def _have_rest_read(entity_id: int, code: str, reading: Reading, waits: int, pause: timedelta) -> None:
    args = {"channel": code, "after": reading.after, "begun": reading.begun, "waits": waits}

    def command(session: Session, now: datetime) -> None:
        enqueue(
            session, read_shop, entity_id=entity_id, args=args, due_at=now + pause, key=f"{code} from {reading.begun}"
        )

    run(command, entities=[entity_id])


def _save(shop: ShopRef, rows: list[ItemRow], whole: datetime | None = None) -> bool:
    def command(session: Session, now: datetime) -> None:
        services.save_items(session, shop.channel_id, rows, now=now, whole=whole)
        if rows:
            have_taken(session, shop.entity_id, shop.code)

    run(command, entities=[shop.entity_id])
    return True


def _note_read(session: Session, now: datetime, *, code: str, fault: Exception | None) -> None:
    services.note_read(session, _channel(session, code).id, None if fault is None else str(fault), now=now)


def have_taken(session: Session, entity_id: int, code: str) -> None:
    """Have a job look at what waits of a shop, after this transaction."""
    enqueue(session, take_deliveries, entity_id=entity_id, args={"channel": code}, key=code)


def have_level_taken(session: Session, entity_id: int, code: str, *, received_at: datetime, now: datetime) -> None:
    """Have a job look at a shop's own numbers when their time has come: by then what it sold is told, and held."""
    due_at = received_at + settings.levels_wait(session, entity_id, now)
    enqueue(session, take_deliveries, entity_id=entity_id, args={"channel": code}, due_at=due_at, key=f"{code} levels")


def have_read(session: Session, entity_id: int, code: str) -> None:
    """Have a job read a shop, after this transaction."""
    enqueue(session, read_shop, entity_id=entity_id, args={"channel": code}, key=code)
