"""The set-based statements of `settle`, and what several verbs do alike: arrays in, one round trip each, unchanged rows left alone."""

from collections.abc import Sequence
from typing import Any

__all__ = [
    "ASSIGN", "CLOSE", "GONE", "HOLDS", "HOLDS_COLUMNS", "LATEST", "OCCURRED", "OCCURRED_COLUMNS", "OPEN", "OPEN_COLUMNS",
    "REOPEN", "REPORTED", "REPORTED_COLUMNS", "SUM_UP", "TELL", "TELL_COLUMNS", "WAKE_WORSE", "columns",
]  # fmt: skip


def columns(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> dict[str, list[Any]]:
    """Turn at least one row into a list per column, by name: the shape `unnest` takes."""
    return {name: list(values) for name, values in zip(names, zip(*rows, strict=True), strict=True)}


LATEST = """
/* exceptions.latest */ SELECT DISTINCT ON (cause_key) cause_key, id, episode, resolved_at, resolution
FROM exceptions.exception WHERE entity_id = %s AND cause_key = ANY(%s) ORDER BY cause_key, episode DESC
"""

OPEN_COLUMNS = (
    "ids", "keys", "episodes", "titles", "items", "locations", "quantities", "times", "owners", "dues", "values",
)  # fmt: skip
OPEN = """
/* exceptions.open */ INSERT INTO exceptions.exception
  (id, entity_id, cause_key, episode, status, kind, severity, title, item_id, location_id, quantity, count,
   first_seen_at, last_seen_at, owner_user_id, opened_at, state, for_review, kinds, due_at, escalates_at,
   unit_value_minor)
SELECT id, %(entity_id)s, key, episode, 'open', %(kind)s, %(severity)s, title, item_id, location_id, quantity, 1,
  occurred_at, occurred_at, owner_id, %(now)s, CASE WHEN episode > 1 THEN 'regressed' ELSE 'new' END, true,
  ARRAY[%(kind)s]::text[], due_at, due_at, unit_value_minor
FROM unnest(%(ids)s::uuid[], %(keys)s::text[], %(episodes)s::int[], %(titles)s::text[], %(items)s::int[],
  %(locations)s::int[], %(quantities)s::bigint[], %(times)s::timestamptz[], %(owners)s::int[],
  %(dues)s::timestamptz[], %(values)s::numeric[])
  AS opened(id, key, episode, title, item_id, location_id, quantity, occurred_at, owner_id, due_at, unit_value_minor)
"""

REOPEN = """
/* exceptions.reopen */ UPDATE exceptions.exception AS e
SET status = 'open', reopened = reopened + 1, resolved_at = NULL, resolution = NULL, resolved_by = NULL, reason = NULL,
  state = 'regressed', for_review = true, due_at = back.due_at, escalates_at = back.due_at, escalation = 0
FROM unnest(%s::uuid[], %s::timestamptz[]) AS back(id, due_at) WHERE e.id = back.id
"""

# The newest report by the time it occurred speaks for its kind, in whatever order reports arrive.
REPORTED_COLUMNS = ("ids", "titles", "quantities", "counts", "firsts", "lasts", "latest", "digests")
REPORTED = """
/* exceptions.reported */ INSERT INTO exceptions.evidence AS known
  (exception_id, kind, entity_id, severity, holds, title, quantity, count, first_seen_at, last_seen_at,
   latest, latest_at, latest_digest)
SELECT id, %(kind)s, %(entity_id)s, %(severity)s, true, title, quantity, count, first_at, last_at,
  latest, last_at, digest
FROM unnest(%(ids)s::uuid[], %(titles)s::text[], %(quantities)s::bigint[], %(counts)s::int[],
  %(firsts)s::timestamptz[], %(lasts)s::timestamptz[], %(latest)s::jsonb[], %(digests)s::bytea[])
  AS reported(id, title, quantity, count, first_at, last_at, latest, digest)
ON CONFLICT (exception_id, kind) DO UPDATE SET
  severity = excluded.severity,
  holds = true,
  count = known.count + excluded.count,
  first_seen_at = least(known.first_seen_at, excluded.first_seen_at),
  last_seen_at = greatest(known.last_seen_at, excluded.last_seen_at),
  (title, quantity, latest, latest_at, latest_digest) = (
    SELECT newest.title, newest.quantity, newest.latest, newest.latest_at, newest.latest_digest
    FROM (VALUES
      (known.title, known.quantity, known.latest, known.latest_at, known.latest_digest),
      (excluded.title, excluded.quantity, excluded.latest, excluded.latest_at, excluded.latest_digest)
    ) AS newest(title, quantity, latest, latest_at, latest_digest)
    ORDER BY newest.latest_at DESC NULLS LAST, newest.latest_digest DESC LIMIT 1)
"""

OCCURRED_COLUMNS = ("ids", "keys", "digests", "quantities", "times", "evidence")
OCCURRED = """
/* exceptions.occurred */ INSERT INTO exceptions.occurrence
  (entity_id, cause_key, digest, exception_id, kind, quantity, occurred_at, recorded_at, evidence)
SELECT %(entity_id)s, key, digest, id, %(kind)s, quantity, occurred_at, %(now)s, evidence
FROM unnest(%(ids)s::uuid[], %(keys)s::text[], %(digests)s::bytea[], %(quantities)s::bigint[],
  %(times)s::timestamptz[], %(evidence)s::jsonb[])
  AS occurred(id, key, digest, quantity, occurred_at, evidence)
"""

# What its kind says now outranks any report: the quantity is today's, not the one of the day it was raised.
HOLDS_COLUMNS = ("ids", "titles", "quantities", "times", "latest")
HOLDS = """
/* exceptions.holds */ INSERT INTO exceptions.evidence AS known
  (exception_id, kind, entity_id, severity, holds, title, quantity, count, first_seen_at, last_seen_at, latest)
SELECT id, %(kind)s, %(entity_id)s, %(severity)s, true, title, quantity, 0, occurred_at, occurred_at, latest
FROM unnest(%(ids)s::uuid[], %(titles)s::text[], %(quantities)s::bigint[], %(times)s::timestamptz[],
  %(latest)s::jsonb[]) AS holding(id, title, quantity, occurred_at, latest)
ON CONFLICT (exception_id, kind) DO UPDATE SET
  severity = excluded.severity,
  holds = true,
  title = excluded.title,
  quantity = excluded.quantity,
  first_seen_at = least(known.first_seen_at, excluded.first_seen_at),
  last_seen_at = greatest(known.last_seen_at, excluded.last_seen_at),
  latest = CASE WHEN known.latest_at IS NULL THEN excluded.latest ELSE known.latest END
WHERE NOT known.holds
  OR (known.severity, known.title, known.quantity) <> (excluded.severity, excluded.title, excluded.quantity)
  OR excluded.first_seen_at < known.first_seen_at OR excluded.last_seen_at > known.last_seen_at
  OR (known.latest_at IS NULL AND known.latest <> excluded.latest)
"""

GONE = """
/* exceptions.gone */ UPDATE exceptions.evidence SET holds = false WHERE exception_id = ANY(%s) AND kind = %s AND holds
"""

# The money at risk: what evidence that holds says, else units at what one is worth.
SUM_UP = """
/* exceptions.sum_up */ WITH whole AS (
  SELECT exception_id, sum(greatest(count, 1)) AS count, min(first_seen_at) AS first_seen_at,
    max(last_seen_at) AS last_seen_at, max(latest ->> 'sku') AS sku, max(latest ->> 'location') AS location,
    array_agg(kind ORDER BY kind) AS kinds,
    max(CASE WHEN holds AND latest ->> 'amount_minor' ~ '^[0-9]{1,15}$'
      THEN (latest ->> 'amount_minor')::bigint END) AS amount_minor
  FROM exceptions.evidence WHERE exception_id = ANY(%(ids)s) GROUP BY exception_id
), foremost AS (
  SELECT DISTINCT ON (exception_id) exception_id, kind, severity, title, quantity
  FROM exceptions.evidence WHERE exception_id = ANY(%(ids)s)
  ORDER BY exception_id, holds DESC, severity DESC, kind
), summed AS (
  SELECT e.id, f.kind, f.severity, f.title, f.quantity, w.count, w.first_seen_at, w.last_seen_at, w.sku, w.location,
    w.kinds, coalesce(w.amount_minor, round(abs(f.quantity) * e.unit_value_minor)::bigint) AS amount_minor
  FROM whole AS w JOIN foremost AS f USING (exception_id) JOIN exceptions.exception AS e ON e.id = w.exception_id
)
UPDATE exceptions.exception AS e SET kind = s.kind, severity = s.severity, title = s.title, quantity = s.quantity,
  count = s.count, first_seen_at = s.first_seen_at, last_seen_at = s.last_seen_at, sku = s.sku, location = s.location,
  kinds = s.kinds, amount_minor = s.amount_minor
FROM summed AS s WHERE e.id = s.id
  AND (e.kind, e.severity, e.title, e.quantity, e.count, e.first_seen_at, e.last_seen_at, e.sku, e.location, e.kinds,
      e.amount_minor)
    IS DISTINCT FROM (s.kind, s.severity, s.title, s.quantity, s.count, s.first_seen_at, s.last_seen_at, s.sku,
      s.location, s.kinds, s.amount_minor)
"""

CLOSE = """
/* exceptions.close */ WITH closed AS (
  UPDATE exceptions.exception AS e
  SET status = 'resolved', resolved_at = %(now)s, resolution = 'gone', resolved_by = %(actor)s,
    reason = 'The cause is gone', state = 'resolved', for_review = false, escalates_at = NULL,
    snooze = NULL, snooze_until = NULL, snooze_mark = NULL, snooze_severity = NULL
  WHERE e.id = ANY(%(ids)s) AND e.status = 'open'
    AND NOT EXISTS (SELECT FROM exceptions.evidence AS v WHERE v.exception_id = e.id AND v.holds)
  RETURNING e.id, e.entity_id, e.reason
)
INSERT INTO exceptions.activity (exception_id, entity_id, verb, recorded_at, actor, actor_name, note)
SELECT id, entity_id, 'closed', %(now)s, %(actor)s, %(name)s, reason FROM closed ORDER BY id
"""

WAKE_WORSE = """
/* exceptions.wake_worse */ WITH woken AS (
  UPDATE exceptions.exception AS e SET snooze = NULL, snooze_mark = NULL, snooze_severity = NULL, for_review = true,
    state = CASE WHEN e.snooze = 'worse' THEN 'escalating' ELSE e.state END
  FROM (SELECT id, snooze FROM exceptions.exception WHERE id = ANY(%(ids)s) AND snooze IN ('worse', 'count')) AS was
  WHERE e.id = was.id AND ((e.snooze = 'worse' AND (abs(e.quantity) > e.snooze_mark OR e.severity > e.snooze_severity))
    OR (e.snooze = 'count' AND e.count >= e.snooze_mark))
  RETURNING e.id, e.entity_id, was.snooze
)
INSERT INTO exceptions.activity (exception_id, entity_id, verb, recorded_at, actor, actor_name, note)
SELECT id, entity_id, 'woken', %(now)s, %(actor)s, %(name)s,
  CASE snooze WHEN 'worse' THEN 'it is worse' ELSE 'it was seen again and again' END FROM woken ORDER BY id
"""

ASSIGN = """
/* exceptions.assign */ UPDATE exceptions.exception AS e SET owner_user_id = given.owner_id
FROM unnest(%s::uuid[], %s::int[]) AS given(id, owner_id) WHERE e.id = given.id
"""

TELL_COLUMNS = ("ids", "entities", "verbs", "people", "notes")
TELL = """
/* exceptions.tell */ INSERT INTO exceptions.activity
  (recorded_at, actor, actor_name, exception_id, entity_id, verb, person_id, note)
SELECT %(now)s, %(actor)s, %(name)s, told.*
FROM unnest(%(ids)s::uuid[], %(entities)s::int[], %(verbs)s::text[], %(people)s::int[], %(notes)s::text[]) AS told
"""
