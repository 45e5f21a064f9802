"""Measure an entity's item master: what breaks which rule, what there is twice, and the score that makes."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import msgspec
from onhand.db import cursor
from onhand.events import Cause, ExceptionsRaised
from onhand.outbox import publish
from sqlalchemy.orm import Session

from onhand_master_data import queries
from onhand_master_data.catalogue import catalogue_version
from onhand_master_data.services.columns import columns
from onhand_master_data.services.rule_settings import broken_by, known_rules, rule_labels, settings
from onhand_master_data.services.telling_apart import told_apart
from onhand_master_data.validation import Broken, duplicates

__all__ = ["KIND", "Score", "is_stale", "latest_scores", "measure", "still_true"]

KIND = "data_quality"
ITEMS_ALONE_MAX = 100
"""Of a rule that more items break the rule is the cause, and not each of them: one exception, that a person can work."""
OF_RULE = "data:rule:"
SYNC = """
/* quality.sync */ WITH wanted AS (
  SELECT * FROM unnest(%(items)s::int[], %(rules)s::text[], %(fields)s::text[], %(messages)s::text[], %(points)s::int[])
    AS w (item_id, rule, field, message, points)
), gone AS (
  DELETE FROM master_data.finding f WHERE f.entity_id = %(entity)s
    AND NOT EXISTS (SELECT FROM wanted w WHERE w.item_id = f.item_id AND w.rule = f.rule)
)
INSERT INTO master_data.finding AS f (entity_id, item_id, rule, field, message, points, found_at)
SELECT %(entity)s, item_id, rule, field, message, points, %(now)s FROM wanted
ON CONFLICT (entity_id, item_id, rule) DO UPDATE
  SET field = excluded.field, message = excluded.message, points = excluded.points
WHERE (f.message, f.points) IS DISTINCT FROM (excluded.message, excluded.points)
RETURNING item_id, rule, f.found_at = %(now)s
"""
RULES = """
/* quality.rules */ SELECT rule, count(*), min(found_at) FROM master_data.finding WHERE entity_id = %s
GROUP BY rule HAVING count(*) > %s ORDER BY rule
"""
ITEMS = """
/* quality.items */ SELECT f.item_id, min(i.sku), min(i.name), sum(f.points), min(f.found_at),
  array_agg(f.message ORDER BY f.points DESC, f.rule)
FROM master_data.finding f JOIN master_data.item i ON i.id = f.item_id
WHERE f.entity_id = %s AND f.rule <> ALL(%s::text[]) GROUP BY f.item_id ORDER BY f.item_id
"""
LATEST = """
/* quality.latest */ SELECT score, items, with_findings, findings, measured_at, version FROM master_data.quality_score
WHERE entity_id = %s ORDER BY measured_at DESC LIMIT %s
"""
INSERT = """
/* quality.insert */ INSERT INTO master_data.quality_score
  (entity_id, measured_at, score, items, with_findings, findings, version) VALUES (%s, %s, %s, %s, %s, %s, %s)
"""
WORST, BEST = 0, 100


@dataclass(frozen=True, slots=True)
class Score:
    """How good an item master is, 0 to 100: what an item has left of 100 points after its findings, on average."""

    score: Decimal
    items: int
    with_findings: int
    findings: dict[str, int]
    measured_at: datetime
    version: int


def measure(session: Session, entity_id: int, *, now: datetime) -> Score:
    """Judge every active item that an entity stocks, keep what is found, and tell what is new.

    An item has 100 points less those of its findings, never below 0; the score is the average over the items, 100 where
    there are none. One `data_quality` exception per item, or one per rule that more than 100 items break; it closes when
    the finding it tells of is gone.
    """
    version = catalogue_version(session)
    items = queries.items_stocked(session, entity_id)
    codes = {id_: code for code, id_ in queries.ids_by_entity(session).items()}
    held = [one for one in settings(session, now=now) if one.entity_id in (None, entity_id)]
    broken = [
        *broken_by(items, held, known_rules(session), queries.categories(session), now=now, entity_codes=codes),
        *duplicates(items, told_apart(session)),
    ]
    fresh = _sync(session, entity_id, broken, now)
    lost: Counter[int] = Counter()
    for one in broken:
        lost[one.item_id] += one.points
    left = sum(max(BEST - lost[item.id], WORST) for item in items)
    score = (Decimal(left) / len(items)).quantize(Decimal("0.01")) if items else Decimal(BEST)
    counts = dict(sorted(Counter(one.rule for one in broken).items()))
    n = version.n if version else 0
    cursor(session).execute(
        INSERT, (entity_id, now, score, len(items), len(lost), msgspec.json.encode(counts).decode(), n)
    )
    if fresh:
        causes = tuple(cause for cause in _standing(session, entity_id) if cause.key in fresh)
        publish(session, ExceptionsRaised(entity_id, KIND, causes))
    return Score(score, len(items), len(lost), counts, now, n)


def is_stale(session: Session, entity_id: int) -> bool:
    """Say whether master data changed since the entity was measured last."""
    version, scores = catalogue_version(session), latest_scores(session, entity_id, 1)
    return not scores or version is None or scores[0].version != version.n


def latest_scores(session: Session, entity_id: int, limit: int) -> list[Score]:
    """Return what was measured last, newest first."""
    return [Score(*row) for row in cursor(session).execute(LATEST, (entity_id, limit)).fetchall()]


def still_true(
    session: Session, entity_id: int, keys: Collection[str] | None, now: datetime  # noqa: ARG001 - its hook hands it in
) -> list[Cause]:  # fmt: skip
    """Return what was wrong when the entity was measured last: rules that many items broke, and other items."""
    return [cause for cause in _standing(session, entity_id) if keys is None or cause.key in keys]


def _sync(session: Session, entity_id: int, broken: Sequence[Broken], now: datetime) -> set[str]:
    """Make the table say what is found; return the keys of the items and of the rules that have something new."""
    unique = {(one.item_id, one.rule): one for one in broken}
    rows = [(one.item_id, one.rule, one.field, one.message, one.points) for one in unique.values()]
    names = ("items", "rules", "fields", "messages", "points")
    arguments: dict[str, Any] = dict(zip(names, columns(rows, 5), strict=True))
    found = cursor(session).execute(SYNC, arguments | {"entity": entity_id, "now": now}).fetchall()
    return {key for item_id, rule, is_new in found if is_new for key in (f"data:{item_id}", f"{OF_RULE}{rule}")}


def _standing(session: Session, entity_id: int) -> list[Cause]:
    rules = cursor(session).execute(RULES, (entity_id, ITEMS_ALONE_MAX)).fetchall()
    labels = rule_labels(session) if rules else {}
    items = cursor(session).execute(ITEMS, (entity_id, [rule for rule, _, _ in rules])).fetchall()
    return [
        *(_of_rule(entity_id, rule, labels.get(rule) or rule, many, found_at) for rule, many, found_at in rules),
        *(_of_item(entity_id, *row) for row in items),
    ]


def _of_rule(entity_id: int, rule: str, label: str, items: int, found_at: datetime) -> Cause:
    return Cause(
        key=f"{OF_RULE}{rule}",
        entity_id=entity_id,
        item_id=None,
        location_id=None,
        quantity=items,
        occurred_at=found_at,
        title=f"{label}: {items:,} items break this rule",
        evidence={"rule": rule, "items": items, "href": f"/master_data/quality?rule={quote(rule)}"},
    )


def _of_item(
    entity_id: int, item_id: int, sku: str, name: str, points: int, found_at: datetime, messages: Sequence[str]
) -> Cause:
    return Cause(
        key=f"data:{item_id}",
        entity_id=entity_id,
        item_id=item_id,
        location_id=None,
        quantity=int(points),
        occurred_at=found_at,
        title=f"{sku} {name}: {messages[0]}" + (f" and {len(messages) - 1} more" if len(messages) > 1 else ""),
        evidence={
            "findings": "; ".join(messages),
            "points": int(points),
            "href": f"/master_data/items/{quote(sku, safe='')}",
        },
    )
