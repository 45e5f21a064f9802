"""Tally: how many are open per location and kind today, so that the board need not count them whenever it is looked at."""

from datetime import datetime, timedelta

from onhand import clocks
from onhand.db import cursor
from sqlalchemy.orm import Session

from onhand_exceptions.services.turns import take_turn

__all__ = ["DUE_SOON", "tally"]

DUE_SOON = timedelta(hours=4)
FORGET = "/* exceptions.tally.forget */ DELETE FROM exceptions.tally WHERE entity_id = %s AND day = %s"
COUNT = """
/* exceptions.tally */ INSERT INTO exceptions.tally
  (entity_id, day, location_id, kind, location, open, due_soon, overdue, long_overdue, snoozed, amount_minor, unvalued,
   opened, resolved, oldest_at, recorded_at)
SELECT %(entity_id)s, %(day)s, location_id, kind, max(location), sum(open), sum(due_soon), sum(overdue),
  sum(long_overdue), sum(snoozed), sum(amount_minor), sum(unvalued), sum(opened), sum(resolved), min(oldest_at), %(now)s
FROM (
  SELECT coalesce(location_id, 0) AS location_id, kind, max(location) AS location, count(*) AS open,
    count(*) FILTER (WHERE due_at > %(now)s AND due_at <= %(soon)s) AS due_soon,
    count(*) FILTER (WHERE due_at <= %(now)s) AS overdue,
    count(*) FILTER (WHERE escalation = 2) AS long_overdue,
    count(*) FILTER (WHERE snooze IS NOT NULL) AS snoozed,
    coalesce(sum(amount_minor), 0)::bigint AS amount_minor, count(*) FILTER (WHERE amount_minor IS NULL) AS unvalued,
    0 AS opened, 0 AS resolved, min(first_seen_at) AS oldest_at
  FROM exceptions.exception WHERE entity_id = %(entity_id)s AND status = 'open' GROUP BY 1, 2
  UNION ALL
  SELECT coalesce(location_id, 0), kind, max(location), 0, 0, 0, 0, 0, 0, 0, count(*), 0, NULL
  FROM exceptions.exception WHERE entity_id = %(entity_id)s AND opened_at >= %(since)s GROUP BY 1, 2
  UNION ALL
  SELECT coalesce(location_id, 0), kind, max(location), 0, 0, 0, 0, 0, 0, 0, 0, count(*), NULL
  FROM exceptions.exception WHERE entity_id = %(entity_id)s AND status = 'resolved' AND resolved_at >= %(since)s
  GROUP BY 1, 2
  UNION ALL
  SELECT location_id, kind, location, 0, 0, 0, 0, 0, 0, 0, 0, 0, NULL
  FROM exceptions.tally WHERE entity_id = %(entity_id)s AND open > 0 AND day = (
    SELECT max(day) FROM exceptions.tally WHERE entity_id = %(entity_id)s AND day < %(day)s)
) AS counted GROUP BY location_id, kind
"""


def tally(session: Session, entity_id: int, *, now: datetime) -> int:
    """Count an entity's exceptions anew for today, as days are where it is; return the rows. Twice is harmless.

    Days gone by keep their last count. What was open at the last of them and is gone is counted as none.
    """
    take_turn(session, entity_id)
    zone = clocks.zone_of(session, entity_id)
    day = clocks.today(now, zone)
    since = clocks.day(day, zone).begins_at
    cursor(session).execute(FORGET, (entity_id, day))
    arguments = {"entity_id": entity_id, "day": day, "now": now, "soon": now + DUE_SOON, "since": since}
    return cursor(session).execute(COUNT, arguments).rowcount
