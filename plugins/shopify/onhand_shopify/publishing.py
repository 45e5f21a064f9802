"""Publishing: what the availability feed brings to a shop, in calls of up to 250 numbers that compare and set.

A call takes all of its numbers or none: `userErrors` name those at fault, the others go again without them, under another
key. Order, budget, pauses, watermarks and tries are the feed's.
"""

import time
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import structlog
from onhand.sealing import Unopened
from onhand.transaction import run
from onhand_channels.api import Acknowledged, Answer, ChannelRef, Failed, Publisher, Stale, Throttled, Write
from sqlalchemy.orm import Session

from onhand_shopify import queries, services
from onhand_shopify.admin_api import AdminApi, Trouble
from onhand_shopify.graphql import QUANTITIES_MAX, SET_QUANTITIES, gid, quantities_query, sku_query
from onhand_shopify.talking import with_api
from onhand_shopify.values import ItemRow, ShopRef

__all__ = ["PUBLISHER"]

log = structlog.get_logger("onhand.shopify")

ROUNDS_MAX = 5
SECONDS_MAX = 25.0
"""No call begins after so long: one takes 30 s at most, and the feed gives all of it a minute."""
SKUS_PER_SEARCH = 40
READ_AT_ONCE = 50
STALE = frozenset({"CHANGE_FROM_QUANTITY_STALE", "COMPARE_QUANTITY_STALE"})
ANOTHER_KEY = frozenset({"IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED", "IDEMPOTENCY_KEY_PARAMETER_MISMATCH"})
FINAL = {
    "INVALID_LOCATION": ("unknown_location", "the shop has no such location any more: map it anew at {page}"),
    "ITEM_NOT_STOCKED_AT_LOCATION": ("not_stocked", "stock {sku} at this location in Shopify, then have it sent again"),
    "NON_MUTABLE_INVENTORY_ITEM": (
        "not_mutable",
        "{sku} is a bundle or otherwise not kept by Shopify: take it off the channel",
    ),
    "INVALID_QUANTITY_TOO_HIGH": ("too_high", "Shopify keeps at most 1,000,000,000 of {sku}"),
}
Place = tuple[int, int]


class Asked:
    """One batch on its way: the answer of each write as it becomes known, and what the shop calls each."""

    def __init__(self, channel: ChannelRef, writes: Sequence[Write]) -> None:
        self.channel = channel
        self.writes = list(writes)
        self.answers: list[Answer | None] = [None] * len(writes)
        self.names: dict[int, Place] = {}
        self.gone: set[int] = set()
        self.page = f"/shopify/{channel.code}"
        self.until = time.monotonic() + SECONDS_MAX

    def open(self) -> list[int]:
        """Return the positions of writes that have no answer yet."""
        return [position for position, answer in enumerate(self.answers) if answer is None]

    def answer(self, positions: Iterable[int], answer: Answer) -> None:
        """Give several writes one answer."""
        for position in positions:
            self.answers[position] = answer

    def answer_trouble(self, positions: Iterable[int], trouble: Trouble) -> None:
        """Give several writes the answer that a trouble comes to: whether they were taken may not be known."""
        if trouble.pause_seconds is not None:
            self.answer(positions, Throttled(trouble.pause_seconds))
        else:
            self.answer(positions, Failed(trouble.reason, trouble.detail))

    def is_late(self) -> bool:
        """Say whether no other call may begin."""
        return time.monotonic() > self.until


def serves(session: Session, channels: Sequence[ChannelRef], now: datetime) -> Collection[int]:  # noqa: ARG001 - a publisher is called so
    """Return the channels that are connected to a shop."""
    return queries.connected(session, [channel.id for channel in channels])


def publish(channel: ChannelRef, writes: Sequence[Write]) -> Sequence[Answer]:
    """Bring numbers to a shop and return what it said of each."""
    asked = Asked(channel, writes)
    try:
        done = with_api(channel.entity_id, channel.code, lambda shop, api: _bring(asked, shop, api))
        if done is None:
            asked.answer(asked.open(), Failed("not_connected", f"connect the channel to its shop at {asked.page}"))
    except Trouble as trouble:
        asked.answer_trouble(asked.open(), trouble)
    except Unopened as unopened:
        asked.answer(asked.open(), Failed("secret_unopened", str(unopened)))
    answers = [answer or Failed("unanswered", "there was no time left: it is tried again") for answer in asked.answers]
    _note(channel, answers, asked.gone)
    return answers


PUBLISHER = Publisher(
    "shopify", serves, publish, counts_down=True, writes_max=QUANTITIES_MAX, writes_per_call=QUANTITIES_MAX
)


def _bring(asked: Asked, shop: ShopRef, api: AdminApi) -> bool:
    _name(asked, shop, api)
    salt = 0
    for _ in range(ROUNDS_MAX):
        positions = asked.open()
        if not positions or asked.is_late():
            break
        salt = _set(asked, api, positions, salt)
    return True


def _name(asked: Asked, shop: ShopRef, api: AdminApi) -> None:
    """Find out what the shop calls each item and location; what it does not have is answered so."""
    skus = {write.sku for write in asked.writes}

    def known(session: Session, _: datetime) -> tuple[dict[int, int], dict[str, list[int]]]:
        return queries.places_of(session, shop.channel_id), queries.items_by_sku(session, shop.channel_id, skus)

    places, items = run(known, entities=[shop.entity_id])
    missing = sorted(skus - items.keys())
    if missing:
        items |= _look_up(shop, api, missing)
    for position, write in enumerate(asked.writes):
        place, named = places.get(write.location_id), items.get(write.sku, [])
        if place is None:
            told = f"say at {asked.page} which of the shop's locations {write.location} is: then it is sent again"
            asked.answer([position], Failed("unknown_location", told, is_final=True))
        elif not named:
            told = f"give a variant the SKU {write.sku} in Shopify, then have the shop read at {asked.page}"
            asked.answer([position], Failed("unknown_item", told, is_final=True))
        elif len(named) > 1:
            told = f"{len(named)} variants have the SKU {write.sku} in Shopify: leave it to one, read the shop at {asked.page}"
            asked.answer([position], Failed("sku_twice", told, is_final=True))
        else:
            asked.names[position] = (named[0], place)


def _look_up(shop: ShopRef, api: AdminApi, skus: Sequence[str]) -> dict[str, list[int]]:
    found: list[ItemRow] = []
    for start in range(0, len(skus), SKUS_PER_SEARCH):
        for page, _ in api.items(sku_query(skus[start : start + SKUS_PER_SEARCH])):
            found += [item for item in page if item.sku in skus]
    if found:
        run(
            lambda session, now: services.save_items(session, shop.channel_id, found, now=now),
            entities=[shop.entity_id],
        )
    items: dict[str, list[int]] = {}
    for item in found:
        items.setdefault(item.sku, []).append(item.shopify_id)
    return items


def _set(asked: Asked, api: AdminApi, positions: Sequence[int], salt: int) -> int:
    """Have the shop take over numbers, all at once, and answer those it did or named; return the salt of the next key."""
    numbers = [
        {
            "inventoryItemId": gid("InventoryItem", asked.names[position][0]),
            "locationId": gid("Location", asked.names[position][1]),
            "quantity": asked.writes[position].quantity,
            "changeFromQuantity": asked.writes[position].compare,
        }
        for position in positions
    ]
    key = _key([asked.writes[position].idempotency_key for position in positions], salt)
    given = {
        "name": "available", "reason": "correction", "referenceDocumentUri": f"onhand://feed/{key}", "quantities": numbers,
    }  # fmt: skip
    try:
        told = api.ask(SET_QUANTITIES, {"input": given, "key": key})["inventorySetQuantities"] or {}
    except Trouble as trouble:
        if trouble.reason == "access_denied":
            raise
        asked.answer_trouble(positions, trouble)
        return salt
    errors = told.get("userErrors") or []
    if not errors:
        asked.answer(positions, Acknowledged())
        return salt
    return _sort_out(asked, api, positions, errors, salt)


def _sort_out(
    asked: Asked, api: AdminApi, positions: Sequence[int], errors: Sequence[dict[str, Any]], salt: int
) -> int:  # fmt: skip
    """Answer the writes that errors name. Nothing was taken over; what no error names goes again."""
    stale: list[int] = []
    for error in errors:
        code, said = str(error.get("code")), str(error.get("message"))[:300]
        place = _place_of(error.get("field"))
        if place is None or place >= len(positions):
            if code in ANOTHER_KEY:
                salt += 1
            else:
                reason = "in_progress" if code == "IDEMPOTENCY_CONCURRENT_REQUEST" else "refused"
                asked.answer(asked.open(), Failed(reason, f"the shop refused the call ({code}): {said}"))
            continue
        position = positions[place]
        if code in STALE:
            stale.append(position)
        elif code == "INVALID_INVENTORY_ITEM":
            asked.gone.add(asked.names[position][0])
            asked.answer(
                [position], Failed("unknown_item", "the shop no longer has this item: its SKU is looked up again")
            )
        elif code in FINAL:
            reason, advice = FINAL[code]
            told = advice.format(sku=asked.writes[position].sku, page=asked.page)
            asked.answer([position], Failed(reason, told, is_final=True))
        else:
            asked.answer([position], Failed("refused", f"the shop refused it ({code}): {said}"))
    _read_stale(asked, api, stale)
    return salt


def _read_stale(asked: Asked, api: AdminApi, stale: Sequence[int]) -> None:
    """Answer writes that were compared with another number than the shop has by the shop's own."""
    for start in range(0, len(stale), READ_AT_ONCE):
        some = stale[start : start + READ_AT_ONCE]
        if asked.is_late():
            asked.answer(
                some, Failed("unanswered", "there was no time left to read the shop's number: it is tried again")
            )
            continue
        try:
            data = api.ask(quantities_query([asked.names[position] for position in some]), {})
        except Trouble as trouble:
            asked.answer_trouble(some, trouble)
            continue
        for n, position in enumerate(some):
            theirs = _available((data.get(f"q{n}") or {}).get("inventoryLevel"))
            told = "the shop has another number and does not say which: it is tried again"
            asked.answer([position], Failed("unread", told) if theirs is None else Stale(theirs))


def _available(level: Any) -> int | None:
    quantities = level.get("quantities") if isinstance(level, dict) else None
    number = quantities[0].get("quantity") if quantities else None
    return number if isinstance(number, int) else None


def _place_of(field: Any) -> int | None:
    """Return which of the quantities an error is about: `["input", "quantities", "3", "changeFromQuantity"]`."""
    parts = [str(part) for part in field] if isinstance(field, list) else []
    after = parts[parts.index("quantities") + 1 :] if "quantities" in parts else []
    return int(after[0]) if after and after[0].isdecimal() else None


def _key(keys: Sequence[str], salt: int) -> str:
    """Return the idempotency key of a call: the same writes have the same, whatever order they come in."""
    return str(uuid5(NAMESPACE_URL, "onhand-shopify:" + "\n".join([*sorted(keys), str(salt)])))


def _note(channel: ChannelRef, answers: Sequence[Answer], gone: Collection[int]) -> None:
    faults = [f"{answer.reason}: {answer.detail}" for answer in answers if isinstance(answer, Failed)]
    taken = sum(isinstance(answer, Acknowledged) for answer in answers)

    def command(session: Session, now: datetime) -> None:
        services.note_published(session, channel.id, faults, taken, now=now)
        if gone:
            services.forget_items(session, channel.id, sorted(gone))

    try:
        run(command, entities=[channel.entity_id])
    except Exception:  # what the shop answered counts; this is only for its page
        log.exception("publishing_not_noted", channel=channel.code)
