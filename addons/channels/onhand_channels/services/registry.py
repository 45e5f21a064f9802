"""The channel registry: where demand comes from, and which locations serve it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from onhand import audit
from onhand.actors import Actor
from onhand.db import Cursor, cursor, int_array, text_array
from sqlalchemy.orm import Session

from onhand_channels.services.channel_rules import Places, check, places_of, possible
from onhand_channels.services.steps import record
from onhand_channels.values import KEEP, ChannelChange, ChannelDraft, ChannelRef, ChannelRefused, FieldError

__all__ = [
    "LOCK",
    "ask_channels",
    "change_channels",
    "channels_by_code",
    "channels_of",
    "create_channels",
    "save_channels",
]

REFS = """
/* channels.refs */ SELECT c.id, c.code, c.name, c.kind, c.entity_id, c.state,
  coalesce(array_agg(l.location_id ORDER BY l.position) FILTER (WHERE l.location_id IS NOT NULL), '{}'::int[]),
  c.mode, c.mode_by = 'hand', c.buffer_raise
FROM channels.channel c LEFT JOIN channels.channel_location l ON l.channel_id = c.id
WHERE %s GROUP BY c.id ORDER BY c.code
"""
BY_CODE = REFS % "c.code = ANY(%s::text[])"
ASKED = "onhand_channels_asked"
LOCK = "/* channels.lock */ SELECT FROM channels.channel WHERE code = ANY(%s::text[]) ORDER BY id FOR NO KEY UPDATE"
INSERT = """
/* channels.insert */ INSERT INTO channels.channel (entity_id, code, name, kind, state, recorded_at)
SELECT d.*, %s::timestamptz FROM unnest(%s::int[], %s::text[], %s::text[], %s::text[], %s::text[]) AS d
ORDER BY 2
ON CONFLICT DO NOTHING
RETURNING code
"""
UPDATE = """
/* channels.update */ UPDATE channels.channel c SET name = d.name, kind = d.kind
FROM unnest(%s::text[], %s::text[], %s::text[]) AS d (code, name, kind)
WHERE c.code = d.code
"""
FORGET_LOCATIONS = """
/* channels.forget_locations */ DELETE FROM channels.channel_location l
USING channels.channel c WHERE c.id = l.channel_id AND c.code = ANY(%s::text[])
"""
LOCATIONS = """
/* channels.locations */ INSERT INTO channels.channel_location (channel_id, location_id, entity_id, position)
SELECT c.id, d.location_id, c.entity_id, d.position
FROM unnest(%s::text[], %s::int[], %s::int[]) AS d (code, location_id, position)
JOIN channels.channel c ON c.code = d.code
"""


def create_channels(
    session: Session, drafts: Sequence[ChannelDraft], *, by: Actor, now: datetime
) -> list[ChannelRef]:  # fmt: skip
    """Create channels, all of them or none; ChannelRefused says what is wrong with which. A code is taken once.

    Each begins proposed or live, as its draft says, and its history says so.
    """
    return _write(session, drafts, {}, by=by, now=now)


def change_channels(
    session: Session, changes: Sequence[ChannelChange], *, by: Actor, now: datetime
) -> list[ChannelRef]:  # fmt: skip
    """Change channels in scope, all of them or none; two who change the same one take turns. Codes and entities stay."""
    codes = [change.code for change in changes]
    known = _locked(session, codes)
    unknown = [index for index, code in enumerate(codes) if code not in known]
    if unknown:
        raise ChannelRefused([FieldError(index, "code", "there is no such channel", codes[index]) for index in unknown])
    places = places_of(session, known.values())
    drafts = [_changed(places.draft_of(known[change.code]), change) for change in changes]
    return _write(session, drafts, known, by=by, now=now)


def save_channels(
    session: Session, drafts: Sequence[ChannelDraft], *, by: Actor, now: datetime
) -> list[ChannelRef]:  # fmt: skip
    """Create the channels whose code is new and bring the others up to date, all of them or none.

    A channel stays in its entity and its state; a code that another entity uses is refused.
    """
    return _write(session, drafts, _locked(session, [draft.code for draft in drafts]), by=by, now=now)


def channels_by_code(session: Session, codes: Iterable[str]) -> list[ChannelRef]:
    """Return the channels in scope that have these codes."""
    asked = text_array(sorted(possible(codes)))
    sent = session.info.pop(ASKED, None)
    return _refs(sent[1] if sent is not None and sent[0] == asked else _by_code(session, asked))


def ask_channels(session: Session, codes: Iterable[str]) -> None:
    """Send what the next `channels_by_code` of these codes will ask for. For the `ahead` of a hot command."""
    asked = text_array(sorted(possible(codes)))
    session.info[ASKED] = (asked, _by_code(session, asked))


def _by_code(session: Session, codes: str) -> Cursor:
    return cursor(session).execute(BY_CODE, (codes,))


def channels_of(session: Session, entities: Sequence[int]) -> list[ChannelRef]:
    """Return the channels of entities, by code."""
    return _refs(cursor(session).execute(REFS % "c.entity_id = ANY(%s::int[])", (int_array(entities),)))


def _refs(found: Cursor) -> list[ChannelRef]:
    return [
        ChannelRef(row[0], row[1], row[2], row[3], row[4], row[5], tuple(row[6]), row[7], row[8], row[9])
        for row in found.fetchall()
    ]


def _locked(session: Session, codes: Sequence[str]) -> dict[str, ChannelRef]:
    cursor(session).execute(LOCK, (text_array(possible(codes)),))
    return {ref.code: ref for ref in channels_by_code(session, codes)}


def _changed(draft: ChannelDraft, change: ChannelChange) -> ChannelDraft:
    return ChannelDraft(
        draft.code,
        draft.name if change.name is KEEP else change.name,
        draft.kind if change.kind is KEEP else change.kind,
        draft.entity,
        draft.locations if change.locations is KEEP else change.locations,
    )


def _write(
    session: Session, drafts: Sequence[ChannelDraft], known: Mapping[str, ChannelRef], *, by: Actor, now: datetime
) -> list[ChannelRef]:
    places = places_of(session, known.values(), drafts)
    check(drafts, known, places)
    new = [draft for draft in drafts if draft.code not in known]
    _insert(session, new, drafts, places, now)
    _update(session, [draft for draft in drafts if draft.code in known])
    _place(session, drafts, places)
    refs = {ref.code: ref for ref in channels_by_code(session, [draft.code for draft in drafts])}
    if new:
        record(session, [(refs[draft.code], None, draft.state, "", None) for draft in new], by=by, now=now)
    for draft in drafts:
        before, after = known.get(draft.code), refs[draft.code]
        if before != after:
            audit.record(
                session, by=by, action="channels.save", subject=f"channel:{draft.code}", entity_id=after.entity_id,
                before=places.facts_of(before) if before else None, after=places.facts_of(after),
            )  # fmt: skip
    return [refs[draft.code] for draft in drafts]


def _insert(
    session: Session, new: Sequence[ChannelDraft], drafts: Sequence[ChannelDraft], places: Places, now: datetime
) -> None:
    if not new:
        return
    entities = int_array([places.entities[draft.entity] for draft in new])
    states = text_array([draft.state for draft in new])
    made = {row[0] for row in cursor(session).execute(INSERT, (now, entities, *_columns(new), states)).fetchall()}
    taken = [draft for draft in new if draft.code not in made]
    if taken:
        message = "this code is taken"
        raise ChannelRefused(
            [FieldError(drafts.index(draft), "code", message, draft.code, conflict=True) for draft in taken]
        )


def _update(session: Session, drafts: Sequence[ChannelDraft]) -> None:
    if drafts:
        cursor(session).execute(UPDATE, _columns(drafts))


def _columns(drafts: Sequence[ChannelDraft]) -> tuple[str, str, str]:
    return (
        text_array([draft.code for draft in drafts]),
        text_array([draft.name for draft in drafts]),
        text_array([draft.kind for draft in drafts]),
    )


def _place(session: Session, drafts: Sequence[ChannelDraft], places: Places) -> None:
    """Write the locations of each channel anew."""
    sql = cursor(session)
    sql.execute(FORGET_LOCATIONS, (text_array([draft.code for draft in drafts]),))
    codes = text_array([draft.code for draft in drafts for _ in draft.locations])
    ids = int_array([places.locations[code].id for draft in drafts for code in draft.locations])
    positions = int_array([position for draft in drafts for position, _ in enumerate(draft.locations, 1)])
    sql.execute(LOCATIONS, (codes, ids, positions))
