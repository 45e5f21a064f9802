"""Millions of rows that a shop of years would have, written by set-based SQL past every verb, and keeping every law.

Each item of the first location gets the same history: units come and go one at a time, then one is held and stays so.
"""

from bench.stage import Stage

__all__ = ["fill"]

ENTRIES = """
INSERT INTO stock.movement (recorded_at, id, entity_id, item_id, from_location_id, to_location_id, quantity,
  from_after, to_after, floor, occurred_at, from_state, to_state, kind, trigger, actor, source)
SELECT %(since)s::timestamptz + n * interval '1 microsecond', %(first)s + n, %(entity)s, i.item_id,
  CASE WHEN what <> 'receipt' THEN %(place)s::int END, CASE WHEN what <> 'sale' THEN %(place)s::int END, 1,
  CASE what WHEN 'sale' THEN i.available WHEN 'reserve' THEN i.available - held END,
  CASE what WHEN 'receipt' THEN i.available + 1 WHEN 'reserve' THEN held END,
  CASE what WHEN 'reserve' THEN 0 END,
  %(since)s::timestamptz + n * interval '1 microsecond',
  CASE what WHEN 'receipt' THEN 'supplier' ELSE 'available' END,
  CASE what WHEN 'receipt' THEN 'available' WHEN 'sale' THEN 'customer' ELSE 'reserved' END,
  what, CASE what WHEN 'reserve' THEN 'hold:' || hold.id ELSE what || ':' || n END, 'system:bench', 'web'
FROM generate_series(%(low)s::bigint, %(high)s::bigint) AS step
CROSS JOIN (SELECT b.item_id, b.available, row_number() OVER (ORDER BY b.item_id) AS number
            FROM stock.balance b WHERE b.location_id = %(place)s) i
CROSS JOIN LATERAL (SELECT step * %(items)s + i.number AS n, step - 2 * %(pairs)s + 1 AS held,
  CASE WHEN step >= 2 * %(pairs)s THEN 'reserve' WHEN step %% 2 = 0 THEN 'receipt' ELSE 'sale' END AS what) k
CROSS JOIN LATERAL (SELECT {hold}) hold ORDER BY n
"""
HOLD_ID = "('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid AS id"
HELD = """
WITH k AS (
  SELECT i.item_id, step * %(items)s + i.number AS n FROM generate_series(%(low)s::bigint, %(high)s::bigint) AS step
  CROSS JOIN (SELECT b.item_id, row_number() OVER (ORDER BY b.item_id) AS number
              FROM stock.balance b WHERE b.location_id = %(place)s) i
), one AS (SELECT {hold}, n, item_id FROM k), made AS (
  INSERT INTO reservations.hold (id, entity_id, channel_id, reference, status, held_at, expires_at, actor)
  SELECT id, %(entity)s, %(channel)s, 'order-' || n, 'held', now(), now() + interval '1 day', 'system:bench' FROM one
), keyed AS (
  INSERT INTO onhand.idempotency_key (owner, key, digest, status, answer, recorded_at)
  SELECT 'token:1', 'filled-' || n, decode(md5(n::text), 'hex'), 201, convert_to(json_build_object('id', id)::text, 'UTF8'), now()
  FROM one
)
INSERT INTO reservations.hold_line (hold_id, line, entity_id, item_id, location_id, quantity)
SELECT id, 1, %(entity)s, item_id, %(place)s, 1 FROM one
"""
HOLD_BALANCE = """
UPDATE stock.balance SET available = available - %(held)s, reserved = reserved + %(held)s WHERE location_id = %(place)s
"""
STEPS_AT_ONCE = 50


def fill(place: Stage, holds: int, entries: int) -> int:
    """Write so many open holds and, with theirs, so many ledger entries (rounded down to whole items); return how many.

    The stage must be new: balances are what their receipts made them.
    """
    items = len(place.skus)
    held = max(holds // items, 1)
    pairs = max(entries // items - held, 0) // 2
    [(first,)] = place.sql("SELECT last_value FROM stock.movement_id_seq")
    [(since,)] = place.sql("SELECT clock_timestamp()")
    common = {
        "since": since, "first": first, "entity": place.entity_id, "channel": place.channel.id, "items": items,
        "place": place.location_ids[0], "pairs": pairs, "held": held,
    }  # fmt: skip
    steps = 2 * pairs + held
    for low in range(0, steps, STEPS_AT_ONCE):
        place.write(ENTRIES.format(hold=HOLD_ID), common | {"low": low, "high": min(low + STEPS_AT_ONCE, steps) - 1})
    for low in range(2 * pairs, steps, STEPS_AT_ONCE):
        place.write(HELD.format(hold=HOLD_ID), common | {"low": low, "high": min(low + STEPS_AT_ONCE, steps) - 1})
    place.write(HOLD_BALANCE, common)
    place.sql("SELECT setval('stock.movement_id_seq', %s)", first + steps * items + 1)
    place.sql("VACUUM ANALYZE")
    [(written,)] = place.sql("SELECT count(*) FROM stock.movement")
    return int(written)
