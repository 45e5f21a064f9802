"""The laws of promises as SQL."""

from onhand.contributions import Invariant

__all__ = ["PROMISE_INVARIANTS"]

PROMISE_INVARIANTS = (
    Invariant(
        "I3",
        "promised_units_are_held",
        "reserved + picked + packed is what open reservation lines promise, per item and location.",
        """
        SELECT item_id, location_id, coalesce(b.units, 0) AS balance, coalesce(h.units, 0) AS promised
        FROM (SELECT item_id, location_id, reserved + picked + packed AS units FROM stock.balance
              WHERE reserved + picked + packed <> 0) b
        FULL JOIN (SELECT l.item_id, l.location_id, sum(l.quantity - l.fulfilled - l.released) AS units
                   FROM reservations.hold_line l WHERE l.fulfilled + l.released < l.quantity GROUP BY 1, 2) h
          USING (item_id, location_id)
        WHERE coalesce(b.units, 0) <> coalesce(h.units, 0)
        """,
    ),
    Invariant(
        "I4",
        "keys_have_one_effect",
        "An answer that told of a new hold is the answer to one key, and the hold is there.",
        """
        SELECT a.owner, a.key, a.id FROM (
          SELECT owner, key, told ->> 'id' AS id, count(*) OVER (PARTITION BY told ->> 'id') AS keys
          FROM (SELECT owner, key, convert_from(answer, 'UTF8')::jsonb AS told FROM onhand.idempotency_key
                WHERE status = 201 AND position('"expires_at"'::bytea IN answer) > 0) k
          WHERE told ? 'channel' AND told ? 'lines'
        ) a
        LEFT JOIN reservations.hold h ON h.id::text = a.id
        WHERE h.id IS NULL OR a.keys > 1
        """,
    ),
    Invariant(
        "I5",
        "each_promise_ends_once",
        "A settled hold promises nothing any more, an open one does, and no unit's promise ended twice.",
        """
        SELECT h.id, h.status, coalesce(sum(l.quantity - l.fulfilled - l.released), 0) AS open
        FROM reservations.hold h LEFT JOIN reservations.hold_line l ON l.hold_id = h.id
        GROUP BY h.id, h.status
        HAVING (h.status IN ('held', 'confirmed')) <> (coalesce(sum(l.quantity - l.fulfilled - l.released), 0) > 0)
          OR bool_or(l.fulfilled + l.released > l.quantity)
        """,
    ),
    Invariant(
        "I5",
        "holds_expire_in_time",
        "A hold past its time is gone within ten seconds.",
        """
        SELECT id, expires_at FROM reservations.hold
        WHERE status = 'held' AND expires_at < clock_timestamp() - interval '10 seconds'
        """,
    ),
    Invariant(
        "I5",
        "only_expired_holds_are_replaced",
        "A hold that was held anew has expired, belongs to the same order, and promised no less.",
        """
        SELECT n.id, n.replaces FROM reservations.hold n LEFT JOIN reservations.hold o ON o.id = n.replaces
        WHERE n.replaces IS NOT NULL
          AND (o.status IS DISTINCT FROM 'expired' OR o.channel_id <> n.channel_id OR o.reference <> n.reference
            OR (SELECT sum(quantity) FROM reservations.hold_line WHERE hold_id = n.id)
              > (SELECT sum(lapsed) FROM reservations.hold_line WHERE hold_id = o.id))
        """,
    ),
    Invariant(
        "I10",
        "promises_stay_in_their_entity",
        "A hold, its channel, its lines and their locations belong to one entity.",
        """
        SELECT h.id, h.entity_id FROM reservations.hold h
        LEFT JOIN channels.channel c ON c.id = h.channel_id
        LEFT JOIN reservations.hold_line l ON l.hold_id = h.id
        LEFT JOIN master_data.location p ON p.id = l.location_id
        WHERE c.entity_id IS DISTINCT FROM h.entity_id OR l.entity_id <> h.entity_id OR p.entity_id <> h.entity_id
        """,
    ),
)
