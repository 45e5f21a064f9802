"""Its shops live in memory. What may be sold there is what the book has, so that a test can say what it must come to."""

from onhand.db import cursor, int_array
from onhand.hooks import hookimpl
from onhand_channels.api import Acknowledged, Failed, Publisher, Stale

SHELVES = {}  # (item, location) -> what the shop thinks it has
KNOWN = {}  # idempotency key -> (quantity, compare)
CALLS = []  # what was published, batch by batch
MOODS = []  # what the next batches meet: functions of (writes) that return answers, raise, or return None to go on
SERVED = set()  # codes of channels


def reset(*codes):
    for memory in (SHELVES, KNOWN, CALLS, MOODS, SERVED):
        memory.clear()
    SERVED.update(codes)


def take(write):
    """Compare and set, as a shop does that remembers what it took."""
    asked = (write.quantity, write.compare)
    key = (write.item_id, write.location_id)
    if write.idempotency_key in KNOWN:
        assert KNOWN[write.idempotency_key] == asked, "one key, two numbers"
        return Acknowledged()
    if write.compare is not None and SHELVES.get(key) != write.compare:
        return Stale(SHELVES.get(key, 0))
    KNOWN[write.idempotency_key] = asked
    SHELVES[key] = write.quantity
    return Acknowledged()


def lost(writes):
    """Nothing arrives, and nobody knows."""
    return [Failed("timeout", "look whether the shop is up") for _ in writes]


def unheard(writes):
    """All arrives, and nobody knows."""
    for write in writes:
        take(write)
    return lost(writes)


def publish(channel, writes):
    CALLS.append(list(writes))
    if MOODS and (answers := MOODS.pop(0)(writes)) is not None:
        return answers
    return [take(write) for write in writes]


@hookimpl
def publishers():
    return [
        Publisher(
            "shopfront", lambda session, channels, now: {one.id for one in channels if one.code in SERVED}, publish,
            counts_down=True,
        )
    ]  # fmt: skip


@hookimpl
def promisable(session, channel, keys, now):
    rows = cursor(session).execute(
        "SELECT item_id, location_id, available FROM stock.balance WHERE item_id = ANY(%s::int[])",
        (int_array({key.item_id for key in keys}),),
    )
    units = {(row[0], row[1]): row[2] for row in rows.fetchall()}
    sells = channel.location_ids if channel.takes_holds else ()
    return [units.get((key.item_id, key.location_id), 0) if key.location_id in sells else 0 for key in keys]
