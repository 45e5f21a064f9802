"""The laws of the inbox as SQL: each query returns the rows that break it, and none when it holds."""

from onhand.contributions import Invariant

__all__ = ["CHANNEL_INVARIANTS"]

CHANNEL_INVARIANTS = (
    Invariant(
        "I4",
        "events_have_one_effect",
        "What an event moved was posted once: with it, by the channel that keeps it, in its entity.",
        """
        SELECT m.recorded_at, m.id, m.source, m.source_event, e.outcome, e.posted_at
        FROM stock.movement m
        LEFT JOIN channels.channel c ON c.code = m.source
        LEFT JOIN channels.event e ON e.channel_id = c.id AND e.event_id = m.source_event
        WHERE m.source_event IS NOT NULL
          AND (e.outcome IS DISTINCT FROM 'posted' OR e.posted_at IS DISTINCT FROM m.recorded_at
            OR e.entity_id <> m.entity_id OR c.entity_id <> m.entity_id)
        """,
    ),
    Invariant(
        "I4",
        "conflicts_are_of_kept_events",
        "Another body under an event's id is kept beside the event, and says something else.",
        """
        SELECT k.channel_id, k.event_id FROM channels.event_conflict k
        LEFT JOIN channels.event e ON e.channel_id = k.channel_id AND e.event_id = k.event_id
        WHERE e.event_id IS NULL OR e.body = k.body OR e.entity_id <> k.entity_id
        """,
    ),
    Invariant(
        "I11",
        "events_are_posted_or_say_why_not",
        "An event was carried out, is parked with a reason that a person can mend, or came before its channel was live.",
        """
        SELECT channel_id, event_id, outcome, reason, posted_at FROM channels.event
        WHERE (outcome = 'parked' AND coalesce(reason, '') = '') OR (outcome = 'posted' AND reason IS NOT NULL)
          OR (outcome = 'posted') <> (posted_at IS NOT NULL)
        """,
    ),
    Invariant(
        "I10",
        "events_stay_in_their_entity",
        "An event belongs to the entity of its channel, and so do the lines of its orders.",
        """
        SELECT 'event' AS what, e.channel_id, e.event_id AS name FROM channels.event e
        LEFT JOIN channels.channel c ON c.id = e.channel_id WHERE c.entity_id IS DISTINCT FROM e.entity_id
        UNION ALL
        SELECT 'order line', o.channel_id, o.order_reference FROM channels.order_line o
        LEFT JOIN channels.channel c ON c.id = o.channel_id WHERE c.entity_id IS DISTINCT FROM o.entity_id
        """,
    ),
)
