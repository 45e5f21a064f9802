"""Synchronisation gaps: a channel's own numbers against what it should have had at the moment they are of."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from msgspec import Struct
from onhand.actors import Actor
from onhand.db import Cursor, cursor, int_array, text_array, time_array
from onhand.events import Cause, ExceptionsRaised
from onhand.outbox import publish_all
from onhand.policies.book import Where
from onhand.policies.services import resolve_many
from onhand.transaction import context
from onhand_master_data.api import describe_items, describe_locations
from onhand_stock.api import PHYSICAL
from sqlalchemy.orm import Session

from onhand_channels.services import causes
from onhand_channels.services.feeding import gaps
from onhand_channels.values import ChannelRef

__all__ = ["KIND", "TOLERANCE", "Reported", "acknowledge", "compare", "rejudge", "standing_gaps", "still_true"]

KIND = gaps.KIND
TOLERANCE = "channels.sync_gap_tolerance"
DEFAULT_TOLERANCE = 0
STANDING_MAX = 10_000
REJUDGED_WITHIN = timedelta(days=1)
ON_HAND = tuple(state for state in PHYSICAL if state != "in_transit")
# What the book had is what it has, less what happened since. An entry is recorded at most five minutes before it occurs,
# so whatever occurred since is in the partitions from then on. Of a channel that is fed the number it last acknowledged
# takes the book's place, less what it told since; a number of before that says nothing any more.
OURS = f"""
/* sync_gaps.ours */ SELECT k.n, f.acknowledged_at IS NOT NULL,
  CASE WHEN f.acknowledged_at > k.as_of THEN NULL
  WHEN f.acknowledged_at IS NOT NULL THEN f.acknowledged_quantity - coalesce(told.units, 0)
  WHEN k.shelf THEN coalesce({" + ".join(f"b.{state}" for state in ON_HAND)} - b.shortage, 0) - coalesce(later.units, 0)
  ELSE coalesce(b.available, 0) - coalesce(later.units, 0) END
FROM unnest(%(items)s::int[], %(locations)s::int[], %(entities)s::int[], %(moments)s::timestamptz[], %(shelves)s::bool[],
  %(channels)s::int[], %(codes)s::text[])
  WITH ORDINALITY AS k (item_id, location_id, entity_id, as_of, shelf, channel_id, code, n)
LEFT JOIN stock.balance b ON b.item_id = k.item_id AND b.location_id = k.location_id
LEFT JOIN channels.feed d ON d.channel_id = k.channel_id AND d.read_from > now() - interval '1 hour'
LEFT JOIN channels.feed_key f ON f.channel_id = d.channel_id AND f.item_id = k.item_id AND f.location_id = k.location_id
CROSS JOIN LATERAL (
  SELECT sum(m.quantity) AS units FROM stock.movement m
  WHERE m.item_id = k.item_id AND m.entity_id = k.entity_id AND m.source = k.code
    AND m.from_location_id = k.location_id AND m.from_state IN ('available', 'shortage')
    AND m.occurred_at > f.acknowledged_at AND m.occurred_at <= k.as_of
    AND m.recorded_at > f.acknowledged_at - interval '10 minutes'
) told
CROSS JOIN LATERAL (
  SELECT sum(CASE WHEN m.to_location_id = k.location_id AND m.to_state = ANY(c.states) THEN m.quantity ELSE 0 END
    - CASE WHEN m.from_location_id = k.location_id AND m.from_state = ANY(c.states) THEN m.quantity ELSE 0 END) AS units
  FROM stock.movement m,
    (SELECT CASE WHEN k.shelf THEN %(on_hand)s::text[] ELSE '{{available}}' END) AS c (states)
  WHERE m.item_id = k.item_id AND m.entity_id = k.entity_id AND m.occurred_at > k.as_of
    AND m.recorded_at > k.as_of - interval '10 minutes'
) later ORDER BY k.n
"""
# Reports arrive in any order: the newest moment stands, and of one moment the greater id.
KEEP = """
/* sync_gaps.keep */ INSERT INTO channels.stock_report AS r
  (channel_id, location_id, item_id, entity_id, category_id, as_of, event_id, recorded_at, theirs, ours, tolerance, is_gap)
SELECT k.channel_id, k.location_id, k.item_id, k.entity_id, k.category_id, k.as_of, k.event_id, %s::timestamptz,
  k.theirs, k.ours, k.tolerance, abs(k.theirs - k.ours) > k.tolerance
FROM unnest(%s::int[], %s::int[], %s::int[], %s::int[], %s::int[], %s::timestamptz[], %s::text[], %s::bigint[],
  %s::bigint[], %s::bigint[])
  AS k (channel_id, location_id, item_id, entity_id, category_id, as_of, event_id, theirs, ours, tolerance)
ORDER BY 1, 2, 3
ON CONFLICT (channel_id, location_id, item_id) DO UPDATE SET
  as_of = excluded.as_of, event_id = excluded.event_id, recorded_at = excluded.recorded_at, theirs = excluded.theirs,
  ours = excluded.ours, tolerance = excluded.tolerance, is_gap = excluded.is_gap, category_id = excluded.category_id,
  acknowledged_at = NULL, acknowledged_by = NULL
WHERE (excluded.as_of, excluded.event_id) > (r.as_of, r.event_id)
RETURNING r.channel_id, r.location_id, r.item_id
"""
ROWS = """
SELECT c.id, c.code, c.kind, r.entity_id, r.location_id, r.item_id, r.category_id, r.as_of, r.event_id, r.theirs, r.is_gap
"""
AMONG = f"""
/* sync_gaps.among */ {ROWS}
FROM unnest(%s::text[], %s::int[], %s::int[]) AS k (code, location_id, item_id) JOIN channels.channel c ON c.code = k.code
JOIN channels.stock_report r ON r.channel_id = c.id AND r.location_id = k.location_id AND r.item_id = k.item_id
WHERE r.entity_id = %s AND r.acknowledged_at IS NULL
"""
STANDING = f"""
/* sync_gaps.standing */ {ROWS}
FROM channels.stock_report r JOIN channels.channel c ON c.id = r.channel_id
WHERE r.entity_id = %s AND r.is_gap ORDER BY r.as_of LIMIT %s
"""
RECENT = f"""
/* sync_gaps.recent */ {ROWS}
FROM channels.stock_report r JOIN channels.channel c ON c.id = r.channel_id
WHERE r.entity_id = ANY(%s::int[]) AND r.as_of > %s AND r.acknowledged_at IS NULL ORDER BY r.as_of DESC LIMIT %s
"""
JUDGED = """
/* sync_gaps.judged */ UPDATE channels.stock_report r SET ours = k.ours, is_gap = k.is_gap
FROM unnest(%s::int[], %s::int[], %s::int[], %s::text[], %s::bigint[], %s::bool[])
  AS k (channel_id, location_id, item_id, event_id, ours, is_gap)
WHERE r.channel_id = k.channel_id AND r.location_id = k.location_id AND r.item_id = k.item_id
  AND r.event_id = k.event_id AND r.acknowledged_at IS NULL AND (r.ours, r.is_gap) <> (k.ours, k.is_gap)
"""
ACKNOWLEDGE = """
/* sync_gaps.acknowledge */ UPDATE channels.stock_report r SET acknowledged_at = %s, acknowledged_by = %s, is_gap = false
WHERE r.channel_id = %s AND r.location_id = %s AND r.item_id = ANY(%s::int[]) AND r.acknowledged_at IS NULL
RETURNING r.item_id
"""
SHELVES = "pos"
"""A till's numbers are of its shelves: all that lies there. Others tell what they think may be sold."""


class Place(Struct, frozen=True):
    """What a number is of: a channel by id, code and kind, a location and an item, as of a moment."""

    channel_id: int
    code: str
    kind: str
    entity_id: int
    location_id: int
    item_id: int
    category_id: int | None
    as_of: datetime
    event_id: str
    theirs: int
    was_gap: bool = False


class Ours(Struct, frozen=True):
    """What a channel should have had of a place, and by what: the book, or the number it acknowledged."""

    units: int
    is_acknowledged: bool


class Reported(Struct, frozen=True):
    """A channel's own number of an item at a location, as of a moment."""

    channel: ChannelRef
    location_id: int
    item_id: int
    category_id: int | None
    quantity: int
    as_of: datetime
    event_id: str


def compare(session: Session, reported: Sequence[Reported], *, now: datetime) -> None:
    """Keep the newest number of each channel, location and item, and raise `sync_gap` where it is off.

    A constant number of statements, whatever the number of lines. Reports in any order, and again, end in one state.
    """
    newest: dict[tuple[int, int, int], Reported] = {}
    for one in sorted(reported, key=lambda one: (one.as_of, one.event_id)):
        newest[one.channel.id, one.location_id, one.item_id] = one
    places = [
        Place(
            one.channel.id, one.channel.code, one.channel.kind, one.channel.entity_id, one.location_id, one.item_id,
            one.category_id, one.as_of, one.event_id, one.quantity,
        )
        for one in newest.values()
    ]  # fmt: skip
    if not places:
        return
    ours, allowed = _ours(session, places), _tolerances(session, places, now)
    kept = {tuple(row) for row in _keep(session, places, ours, allowed, now).fetchall()}
    _tell(
        session,
        [
            (one, had)
            for one, had, most in zip(places, ours, allowed, strict=True)
            if abs(one.theirs - had.units) > most and (one.channel_id, one.location_id, one.item_id) in kept
        ],
    )


def rejudge(session: Session, entities: Sequence[int], *, now: datetime) -> int:
    """Judge the numbers of the last day anew: what became known since, late facts say, may open a gap or close it.

    At most the newest 10,000. Returns how many gaps it opened. Twice is harmless.
    """
    arguments = (int_array(entities), now - REJUDGED_WITHIN, STANDING_MAX)
    places = [Place(*row) for row in cursor(session).execute(RECENT, arguments).fetchall()]
    if not places:
        return 0
    ours, allowed = _ours(session, places), _tolerances(session, places, now)
    off = [abs(one.theirs - had.units) > most for one, had, most in zip(places, ours, allowed, strict=True)]
    columns = (
        int_array([one.channel_id for one in places]),
        int_array([one.location_id for one in places]),
        int_array([one.item_id for one in places]),
        text_array([one.event_id for one in places]),
        int_array([had.units for had in ours]),
        "{" + ",".join("t" if gap else "f" for gap in off) + "}",
    )
    cursor(session).execute(JUDGED, columns)
    opened = [
        (one, had) for one, had, gap in zip(places, ours, off, strict=True) if gap and not one.was_gap
    ]  # fmt: skip
    _tell(session, opened)
    return len(opened)


def acknowledge(
    session: Session, channel: ChannelRef, location_id: int, item_ids: Sequence[int], *, by: Actor, now: datetime
) -> list[int]:
    """Note that a channel has taken over our numbers; return the items where that was not so yet.

    The gap is closed; the channel's next report is judged on its own.
    """
    arguments = (now, by.ref, channel.id, location_id, int_array(item_ids))
    return sorted(row[0] for row in cursor(session).execute(ACKNOWLEDGE, arguments).fetchall())


def still_true(session: Session, entity_id: int, keys: Collection[str] | None, now: datetime) -> list[Cause]:
    """Return the gaps that stand by what is known now, of reports and of the feed: among `keys`, or the oldest of all."""
    if keys is None:
        rows = cursor(session).execute(STANDING, (entity_id, STANDING_MAX)).fetchall()
    else:
        named = [causes.gap_of(key) for key in keys]
        columns = (
            text_array([code for code, _, _ in named]),
            int_array([location_id for _, location_id, _ in named]),
            int_array([item_id for _, _, item_id in named]),
        )
        rows = cursor(session).execute(AMONG, (*columns, entity_id)).fetchall()
    places = [Place(*row) for row in rows]
    ours, allowed = _ours(session, places), _tolerances(session, places, now)
    standing = [
        (one, had)
        for one, had, most in zip(places, ours, allowed, strict=True)
        if abs(one.theirs - had.units) > most
    ]  # fmt: skip
    fed = gaps.standing(session, entity_id, keys)
    known = {cause.key for cause in fed}
    return [*fed, *(cause for cause in _causes(session, standing) if cause.key not in known)]


def standing_gaps(session: Session, entity_id: int, *, now: datetime) -> list[Cause]:
    """Return the gaps of an entity that stand by what is known now, at most the oldest 10,000."""
    return still_true(session, entity_id, None, now)


def _ours(session: Session, places: Sequence[Place]) -> list[Ours]:
    """Return what the channel should have had, by what is known now, of each place at its moment: else its own number."""
    if not places:
        return []
    arguments = {
        "items": int_array([one.item_id for one in places]),
        "locations": int_array([one.location_id for one in places]),
        "entities": int_array([one.entity_id for one in places]),
        "moments": time_array([one.as_of for one in places]),
        "shelves": "{" + ",".join("t" if one.kind == SHELVES else "f" for one in places) + "}",
        "on_hand": text_array([*ON_HAND, "shortage"]),
        "channels": int_array([one.channel_id for one in places]),
        "codes": text_array([one.code for one in places]),
    }
    rows = cursor(session).execute(OURS, arguments).fetchall()
    return [Ours(one.theirs if row[2] is None else int(row[2]), row[1]) for one, row in zip(places, rows, strict=True)]


def _tolerances(session: Session, places: Sequence[Place], now: datetime) -> list[int]:
    if not context(session).policies.is_set(TOLERANCE):
        return [DEFAULT_TOLERANCE] * len(places)
    wheres = [
        Where(one.item_id, one.category_id, one.location_id, one.channel_id, one.entity_id) for one in places
    ]  # fmt: skip
    return [int(value) for value in resolve_many(session, TOLERANCE, wheres, at=now)]


def _keep(
    session: Session, places: Sequence[Place], ours: Sequence[Ours], allowed: Sequence[int], now: datetime
) -> Cursor:  # fmt: skip
    columns = (
        int_array([one.channel_id for one in places]),
        int_array([one.location_id for one in places]),
        int_array([one.item_id for one in places]),
        int_array([one.entity_id for one in places]),
        int_array([one.category_id for one in places]),
        time_array([one.as_of for one in places]),
        text_array([one.event_id for one in places]),
        int_array([one.theirs for one in places]),
        int_array([had.units for had in ours]),
        int_array(allowed),
    )
    return cursor(session).execute(KEEP, (now, *columns))


def _tell(session: Session, found: Sequence[tuple[Place, Ours]]) -> None:
    if not found:
        return
    by_entity: dict[int, list[Cause]] = {}
    for cause in _causes(session, found):
        by_entity.setdefault(cause.entity_id, []).append(cause)
    publish_all(session, [ExceptionsRaised(entity_id, KIND, tuple(those)) for entity_id, those in by_entity.items()])


def _causes(session: Session, found: Sequence[tuple[Place, Ours]]) -> list[Cause]:
    if not found:
        return []
    items = describe_items(session, {one.item_id for one, _ in found})
    locations = describe_locations(session, {one.location_id for one, _ in found})
    return [
        causes.gap(
            one.entity_id, one.code, one.item_id, one.location_id, items[one.item_id].sku,
            locations[one.location_id].code, one.theirs, ours.units, one.as_of,
            whose=gaps.ACKNOWLEDGED if ours.is_acknowledged else "the book",
        )
        for one, ours in found
    ]  # fmt: skip
