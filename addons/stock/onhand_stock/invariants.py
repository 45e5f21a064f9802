"""The laws of the ledger as SQL: each query returns the rows that break it, and none when it holds."""

from onhand.contributions import Invariant

from onhand_stock.states import OUTSIDE, STATES

__all__ = ["STOCK_INVARIANTS"]

BOOK = f"""
  SELECT b.item_id, b.location_id, v.state, v.units FROM stock.balance b
  CROSS JOIN LATERAL (VALUES {", ".join(f"('{state}', b.{state})" for state in STATES)}) AS v (state, units)
  WHERE v.units <> 0
"""
SIGN = "CASE WHEN {state} = 'shortage' THEN -m.quantity ELSE m.quantity END"
LEDGER = f"""
  SELECT item_id, to_location_id AS location_id, to_state AS state, {SIGN.format(state="to_state")} AS units
  FROM stock.movement m WHERE to_location_id IS NOT NULL
  UNION ALL
  SELECT item_id, from_location_id, from_state, -({SIGN.format(state="from_state")})
  FROM stock.movement m WHERE from_location_id IS NOT NULL
"""
OURS = " + ".join(state for state in STATES if state != "shortage") + " - shortage"
OUTSIDE_LIST = ", ".join(f"'{account}'" for account in OUTSIDE)

STOCK_INVARIANTS = (
    Invariant(
        "I1",
        "balance_is_sum_of_ledger",
        "Every state of every balance is the sum of its ledger entries.",
        f"""
        WITH book AS ({BOOK}),
        ledger AS (SELECT item_id, location_id, state, sum(units) AS units FROM ({LEDGER}) e GROUP BY 1, 2, 3
                   HAVING sum(units) <> 0)
        SELECT coalesce(b.item_id, l.item_id) AS item_id, coalesce(b.location_id, l.location_id) AS location_id,
          coalesce(b.state, l.state) AS state, coalesce(b.units, 0) AS balance, coalesce(l.units, 0) AS ledger
        FROM book b FULL JOIN ledger l USING (item_id, location_id, state)
        WHERE coalesce(b.units, 0) <> coalesce(l.units, 0)
        """,
    ),
    Invariant(
        "I1",
        "entries_left_these_balances",
        "Every entry says what it left behind, in both states it touched.",
        f"""
        SELECT recorded_at, id, item_id, location_id, state, after, running FROM (
          SELECT e.*, sum(units) OVER (PARTITION BY item_id, location_id, state ORDER BY id) AS running FROM (
            SELECT recorded_at, id, item_id, to_location_id AS location_id, to_state AS state, to_after AS after,
              {SIGN.format(state="to_state")} AS units
            FROM stock.movement m WHERE to_location_id IS NOT NULL
            UNION ALL
            SELECT recorded_at, id, item_id, from_location_id, from_state, from_after,
              -({SIGN.format(state="from_state")})
            FROM stock.movement m WHERE from_location_id IS NOT NULL
          ) e
        ) entries
        WHERE after IS DISTINCT FROM running
        """,
    ),
    Invariant(
        "I1",
        "outside_accounts_agree",
        "What an entity holds of an item is what came from the outside accounts less what went to them.",
        f"""
        WITH ours AS (SELECT entity_id, item_id, sum({OURS}) AS units FROM stock.balance GROUP BY 1, 2),
        outside AS (
          SELECT entity_id, item_id, sum(CASE WHEN from_state IN ({OUTSIDE_LIST}) THEN quantity ELSE 0 END)
            - sum(CASE WHEN to_state IN ({OUTSIDE_LIST}) THEN quantity ELSE 0 END) AS units
          FROM stock.movement GROUP BY 1, 2)
        SELECT entity_id, item_id, coalesce(ours.units, 0) AS held, coalesce(outside.units, 0) AS outside
        FROM ours FULL JOIN outside USING (entity_id, item_id)
        WHERE coalesce(ours.units, 0) <> coalesce(outside.units, 0)
        """,
    ),
    Invariant(
        "I2",
        "nothing_negative",
        "No state is below zero, and stock never stands beside a shortage.",
        f"""
        SELECT item_id, location_id FROM stock.balance
        WHERE {" OR ".join(f"{state} < 0" for state in STATES)} OR (available <> 0 AND shortage <> 0)
        """,
    ),
    Invariant(
        "I2",
        "shortages_are_explained",
        "Every unit of shortage was opened by an entry and is not yet cleared.",
        """
        SELECT item_id, location_id, coalesce(b.shortage, 0) AS balance, coalesce(s.units, 0) AS standing
        FROM (SELECT item_id, location_id, shortage FROM stock.balance WHERE shortage <> 0) b
        FULL JOIN (SELECT item_id, location_id, sum(quantity - cleared) AS units FROM stock.shortage
                   WHERE cleared < quantity GROUP BY 1, 2) s USING (item_id, location_id)
        WHERE coalesce(b.shortage, 0) <> coalesce(s.units, 0)
        """,
    ),
    Invariant(
        "I2",
        "shortages_follow_their_entries",
        "Every shortage is what an entry took that was not there, and what cleared it are entries, for as much.",
        """
        SELECT 'opened' AS side, recorded_at, id, m.quantity AS entry, s.quantity AS kept
        FROM (SELECT recorded_at, id, quantity FROM stock.movement WHERE from_state = 'shortage') m
        FULL JOIN stock.shortage s USING (recorded_at, id)
        WHERE m.quantity IS DISTINCT FROM s.quantity
        UNION ALL
        SELECT 'cleared', recorded_at, id, m.quantity, c.quantity
        FROM (SELECT recorded_at, id, quantity FROM stock.movement WHERE to_state = 'shortage') m
        FULL JOIN (SELECT cleared_at AS recorded_at, cleared_id AS id, sum(quantity) AS quantity
                   FROM stock.shortage_clearance GROUP BY 1, 2) c USING (recorded_at, id)
        WHERE m.quantity IS DISTINCT FROM c.quantity
        UNION ALL
        SELECT 'settled', recorded_at, id, c.quantity, nullif(s.cleared, 0)
        FROM stock.shortage s
        FULL JOIN (SELECT opened_at AS recorded_at, opened_id AS id, sum(quantity) AS quantity
                   FROM stock.shortage_clearance GROUP BY 1, 2) c USING (recorded_at, id)
        WHERE c.quantity IS DISTINCT FROM nullif(s.cleared, 0)
        """,
    ),
    Invariant(
        "I6",
        "floors_were_kept",
        "No intent left its source below its floor.",
        "SELECT recorded_at, id, item_id, from_after, floor FROM stock.movement WHERE from_after < floor",
    ),
    Invariant(
        "I9",
        "entries_are_complete_and_legal",
        "Every entry has trigger, actor and reason where its kind wants one, moves units or value, and does what its kind may.",
        """
        SELECT m.recorded_at, m.id, m.kind, m.from_state, m.to_state
        FROM stock.movement m
        LEFT JOIN stock.movement_kind k ON k.kind = m.kind
        LEFT JOIN stock.transition t ON t.kind = m.kind AND t.from_state = m.from_state AND t.to_state = m.to_state
        WHERE m.trigger = '' OR m.actor = '' OR k.kind IS NULL
          OR (k.needs_reason AND coalesce(m.reason, '') = '') OR (m.quantity = 0) <> k.is_value
          OR (coalesce(m.value_minor, 0) <> 0) <> k.is_value
          OR (t.kind IS NULL AND m.reverses_id IS NULL)
        """,
    ),
    Invariant(
        "I9",
        "reversals_mirror_their_originals",
        "What reverses an entry has its kind and moves as much back: to the shelf what the shelf or a promise lacked.",
        """
        SELECT o.recorded_at, o.id, o.quantity, m.quantity AS reversed
        FROM (
          SELECT m.reverses_at AS recorded_at, m.reverses_id AS id, sum(m.quantity) AS quantity, bool_and(
            o.kind = m.kind AND o.entity_id = m.entity_id AND o.item_id = m.item_id
            AND o.from_location_id IS NOT DISTINCT FROM m.to_location_id
            AND o.to_location_id IS NOT DISTINCT FROM m.from_location_id
            AND m.to_state = CASE WHEN o.from_state IN ('shortage', 'reserved', 'picked', 'packed') THEN 'available'
                                  ELSE o.from_state END
            AND m.from_state IN (o.to_state, 'available', 'shortage')) AS mirrors
          FROM stock.movement m
          LEFT JOIN stock.movement o ON o.recorded_at = m.reverses_at AND o.id = m.reverses_id
          WHERE m.reverses_id IS NOT NULL GROUP BY 1, 2
        ) m
        LEFT JOIN stock.movement o USING (recorded_at, id)
        WHERE m.mirrors IS NOT TRUE OR o.quantity IS DISTINCT FROM m.quantity
        """,
    ),
    Invariant(
        "I9",
        "reversed_at_most_once",
        "An entry is reversed at most once, in one posting, and is marked as such.",
        """
        SELECT recorded_at, id, m.postings, r.reversed_at
        FROM stock.reversal r
        FULL JOIN (SELECT reverses_at AS recorded_at, reverses_id AS id, count(DISTINCT recorded_at) AS postings,
                     max(recorded_at) AS posted_at
                   FROM stock.movement WHERE reverses_id IS NOT NULL GROUP BY 1, 2) m USING (recorded_at, id)
        WHERE m.postings IS DISTINCT FROM 1 OR r.reversed_at IS DISTINCT FROM m.posted_at
        """,
    ),
    Invariant(
        "I9",
        "entries_name_real_rows",
        "Every entry names an existing item, location and entity; the ledger itself carries no foreign keys.",
        """
        SELECT m.recorded_at, m.id FROM stock.movement m
        LEFT JOIN stock.balance f ON f.item_id = m.item_id AND f.location_id = m.from_location_id
        LEFT JOIN stock.balance t ON t.item_id = m.item_id AND t.location_id = m.to_location_id
        WHERE (m.from_location_id IS NOT NULL AND f.entity_id IS DISTINCT FROM m.entity_id)
           OR (m.to_location_id IS NOT NULL AND t.entity_id IS DISTINCT FROM m.entity_id)
        """,
    ),
    Invariant(
        "I11",
        "entries_lie_in_their_month",
        "No entry fell into the partition that catches what has none: partitions are made ahead.",
        """
        SELECT recorded_at, id FROM stock.movement
        WHERE tableoid = (SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                          WHERE n.nspname = 'stock' AND c.relname = 'movement_default')
        """,
    ),
)
