"""Answers: a batch is brought to its channel, and what the channel said of each write is kept."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from math import isfinite

import msgspec
import structlog
from onhand.db import cursor, int_array, text_array
from onhand.events import ExceptionsRaised
from onhand.outbox import publish_all
from sqlalchemy.orm import Session

from onhand_channels.feed_values import Acknowledged, Answer, Failed, Stale, Throttled
from onhand_channels.services.feeding import gaps
from onhand_channels.services.feeding.batches import Batch

__all__ = ["ATTEMPTS_MAX", "bring", "settle"]

log = structlog.get_logger("onhand.channels")

ATTEMPTS_MAX = 8
PAUSE_SECONDS_MAX = 300
RETRY_SECONDS_MAX = 86_400
TEXT_CHARACTERS_MAX = 500
KINDS = {Acknowledged: "acknowledged", Stale: "stale", Throttled: "throttled", Failed: "failed"}
# Of a write whose answer never came the channel's number tells whether it was taken over: it is nearer to that one.
WAS_TAKEN = """(a.kind = 'stale' AND k.maybe_quantity IS NOT NULL AND (k.acknowledged_quantity IS NULL
    OR abs(a.theirs - k.maybe_quantity) < abs(a.theirs - k.acknowledged_quantity)))"""
# Whether a write that failed was taken over is not known, so it stays as it was sent; every other answer ends it, and a
# number that the channel did not take is tried again under another watermark.
SETTLE = f"""
/* feed.settle */ UPDATE channels.feed_key k SET
  settled_seq = CASE a.kind WHEN 'acknowledged' THEN a.watermark ELSE k.settled_seq END,
  change_seq = k.change_seq
    + CASE WHEN a.kind IN ('stale', 'throttled', 'final') AND k.change_seq = a.watermark THEN 1 ELSE 0 END,
  changed_at = CASE WHEN a.kind = 'acknowledged' AND k.change_seq > a.watermark THEN k.sent_at ELSE k.changed_at END,
  lag_seconds = CASE a.kind WHEN 'acknowledged' THEN extract(epoch FROM %(now)s - k.changed_at) ELSE k.lag_seconds END,
  acknowledged_quantity = CASE WHEN a.kind = 'acknowledged' THEN k.sent_quantity WHEN {WAS_TAKEN} THEN k.maybe_quantity
    ELSE k.acknowledged_quantity END,
  acknowledged_at = CASE WHEN a.kind = 'acknowledged' OR {WAS_TAKEN} THEN %(now)s ELSE k.acknowledged_at END,
  counted_id = CASE a.kind WHEN 'acknowledged' THEN k.sent_counted_id ELSE k.counted_id END,
  in_flight = CASE a.kind WHEN 'acknowledged' THEN k.sent_in_flight ELSE k.in_flight END,
  in_flight_since = CASE WHEN a.kind <> 'acknowledged' THEN k.in_flight_since
    WHEN k.sent_in_flight > 0 THEN CASE WHEN k.in_flight > 0 THEN k.in_flight_since ELSE %(now)s END END,
  theirs = CASE a.kind WHEN 'acknowledged' THEN NULL WHEN 'stale' THEN a.theirs ELSE k.theirs END,
  theirs_at = CASE a.kind WHEN 'acknowledged' THEN NULL WHEN 'stale' THEN %(now)s ELSE k.theirs_at END,
  stale = CASE a.kind WHEN 'acknowledged' THEN 0 WHEN 'stale' THEN k.stale + 1 ELSE k.stale END,
  attempts = CASE WHEN a.kind IN ('failed', 'final') THEN k.attempts + 1 WHEN a.kind = 'throttled' THEN k.attempts
    ELSE 0 END,
  not_before = CASE a.kind
    WHEN 'stale' THEN CASE WHEN k.stale > 0 THEN %(now)s + least(2 ^ least(k.stale, 20), %(most)s) * interval '1 s' END
    WHEN 'throttled' THEN %(now)s + a.seconds * interval '1 s'
    WHEN 'failed' THEN %(now)s + least(2 ^ least(k.attempts + 1, 20), %(most)s) * interval '1 s' END,
  reason = a.reason, detail = a.detail,
  parked_at = CASE WHEN a.kind = 'final' OR (a.kind = 'failed' AND k.attempts + 1 >= %(attempts)s) THEN %(now)s END,
  sent_seq = CASE a.kind WHEN 'failed' THEN k.sent_seq END, sent_at = CASE a.kind WHEN 'failed' THEN k.sent_at END,
  sent_quantity = CASE a.kind WHEN 'failed' THEN k.sent_quantity END,
  sent_compare = CASE a.kind WHEN 'failed' THEN k.sent_compare END,
  sent_in_flight = CASE a.kind WHEN 'failed' THEN k.sent_in_flight END,
  sent_counted_id = CASE a.kind WHEN 'failed' THEN k.sent_counted_id END,
  maybe_quantity = CASE WHEN a.kind IN ('acknowledged', 'stale') THEN NULL ELSE k.maybe_quantity END
FROM unnest(%(items)s::int[], %(locations)s::int[], %(watermarks)s::bigint[], %(kinds)s::text[], %(theirs)s::bigint[],
  %(seconds)s::float8[], %(reasons)s::text[], %(details)s::text[])
  AS a (item_id, location_id, watermark, kind, theirs, seconds, reason, detail)
WHERE k.channel_id = %(channel)s AND k.item_id = a.item_id AND k.location_id = a.location_id
  AND k.sent_seq = a.watermark
RETURNING k.item_id, k.location_id, k.stale
"""
REST = """
/* feed.rest */ UPDATE channels.feed SET paused_until = greatest(paused_until, %(until)s),
  busy_until = CASE WHEN busy_until = %(busy_until)s THEN NULL ELSE busy_until END
WHERE channel_id = %(channel)s
"""


def bring(batch: Batch) -> Sequence[Answer]:
    """Have the publisher bring a batch to its channel; return an answer per write. For outside of transactions.

    A publisher that raises, or answers otherwise than it must, has failed on every write, whatever came of them.
    """
    who, code = batch.publisher.name, batch.channel.code
    try:
        answers = list(batch.publisher.publish(batch.channel, batch.writes))
    except Exception as error:
        log.exception("publisher_failed", publisher=who, channel=code)
        failed = Failed("publisher_failed", f"the publisher {who} raised {type(error).__name__}: see the worker's log")
        return [failed] * len(batch.writes)
    if len(answers) != len(batch.writes) or not all(map(_is_sound, answers)):
        log.error("publisher_answered_wrongly", publisher=who, channel=code, writes=len(batch.writes))
        told = f"the publisher {who} did not answer each of its {len(batch.writes)} writes: tell its maker"
        return [Failed("publisher_answered_wrongly", told)] * len(batch.writes)
    return answers


def settle(session: Session, batch: Batch, answers: Sequence[Answer], *, now: datetime) -> None:
    """Keep what a channel answered to a batch, and give its turn back. A constant number of statements; twice is once.

    What changed while it was brought stays due. A number that is stale is tried again with the channel's own, and told
    as `sync_gap` when that is stale too. What failed is tried again after pauses that double, up to five minutes; after
    eight times, or at once where trying again does not help, it is parked until a person has it sent again.
    """
    channel = batch.channel
    kinds = ["final" if type(one) is Failed and one.is_final else KINDS[type(one)] for one in answers]
    seconds = [
        min(max(one.retry_after_seconds, 0.0), RETRY_SECONDS_MAX) if type(one) is Throttled else 0.0 for one in answers
    ]
    values = {
        "channel": channel.id,
        "now": now,
        "most": PAUSE_SECONDS_MAX,
        "attempts": ATTEMPTS_MAX,
        "items": int_array([one.item_id for one in batch.writes]),
        "locations": int_array([one.location_id for one in batch.writes]),
        "watermarks": int_array([one.watermark for one in batch.writes]),
        "kinds": text_array(kinds),
        "theirs": int_array([one.theirs if type(one) is Stale else None for one in answers]),
        "seconds": "{" + ",".join(map(str, seconds)) + "}",
        "reasons": text_array([_short(one.reason) if type(one) is Failed else None for one in answers]),
        "details": text_array([_short(one.detail) if type(one) is Failed else None for one in answers]),
    }
    until = now + timedelta(seconds=max(seconds)) if "throttled" in kinds else None
    # The channel's row before its keys, as everywhere: of two who lock in two orders one would have to begin again.
    cursor(session).execute(REST, {"channel": channel.id, "until": until, "busy_until": batch.busy_until})
    kept = cursor(session).execute(SETTLE, values).fetchall()
    stale = [(row[0], row[1]) for row in kept if row[2] >= gaps.STALE_MIN]
    causes = gaps.causes_of(session, channel, stale) if stale else []
    if causes:
        publish_all(session, [ExceptionsRaised(channel.entity_id, gaps.KIND, tuple(causes))])


def _is_sound(answer: object) -> bool:
    if type(answer) not in KINDS:
        return False
    try:
        msgspec.convert(msgspec.to_builtins(answer), type(answer))
    except (msgspec.ValidationError, TypeError):
        return False
    return type(answer) is not Throttled or isfinite(answer.retry_after_seconds)


def _short(text: str) -> str:
    return text.replace("\x00", "")[:TEXT_CHARACTERS_MAX] or "unknown"
