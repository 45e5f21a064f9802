"""What a channel must be, judged before anything is written."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from onhand.db import cursor, int_array
from onhand.transaction import context
from onhand_master_data.api import Location, describe_locations, locations_by_code
from sqlalchemy.orm import Session

from onhand_channels.models import KINDS
from onhand_channels.states import FIRST
from onhand_channels.values import ChannelDraft, ChannelRef, ChannelRefused, FieldError

__all__ = ["LOCATIONS_MAX", "NAME_CHARACTERS_MAX", "Places", "check", "entity_codes", "places_of", "possible"]

NAME_CHARACTERS_MAX = 200
LOCATIONS_MAX = 1_000
CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
ENTITIES = "SELECT id, code FROM onhand.entity WHERE id = ANY(%s::int[])"


@dataclass(frozen=True, slots=True)
class Places:
    """The entities in scope by code, the locations that drafts name by code, and all codes of those known by id."""

    entities: dict[str, int]
    locations: dict[str, Location]
    codes: dict[int, str]

    def draft_of(self, ref: ChannelRef) -> ChannelDraft:
        """Return a channel as it stands, as a draft."""
        entity = next(code for code, id_ in self.entities.items() if id_ == ref.entity_id)
        locations = tuple(self.codes[location_id] for location_id in ref.location_ids)
        return ChannelDraft(ref.code, ref.name, ref.kind, entity, locations, ref.state)

    def facts_of(self, ref: ChannelRef) -> dict[str, Any]:
        """Return what the audit trail tells of a channel."""
        locations = [self.codes[location_id] for location_id in ref.location_ids]
        return {"name": ref.name, "kind": ref.kind, "state": ref.state, "locations": locations}


def places_of(session: Session, known: Iterable[ChannelRef], drafts: Sequence[ChannelDraft] = ()) -> Places:
    """Look up, in three statements, what drafts and channels name."""
    entities = {code: entity_id for entity_id, code in entity_codes(session).items()}
    locations = locations_by_code(session, {code for draft in drafts for code in draft.locations if _is_askable(code)})
    ids = {location_id for ref in known for location_id in ref.location_ids}
    codes = {location_id: name.code for location_id, name in describe_locations(session, ids).items()}
    return Places(entities, locations, codes | {location.id: location.code for location in locations.values()})


def entity_codes(session: Session) -> dict[int, str]:
    """Return the code of each entity in the transaction's scope."""
    rows = cursor(session).execute(ENTITIES, (int_array(context(session).entities),)).fetchall()
    return {row[0]: row[1] for row in rows}


def possible(codes: Iterable[str]) -> list[str]:
    """Return the codes that a channel may have: others name none, and some of them the database cannot even be asked."""
    return [code for code in codes if CODE.fullmatch(code)]


def check(drafts: Sequence[ChannelDraft], known: Mapping[str, ChannelRef], places: Places) -> None:
    """Raise ChannelRefused with everything that is wrong with any of the drafts."""
    errors: list[FieldError] = []
    seen: set[str] = set()
    for index, draft in enumerate(drafts):
        errors += [FieldError(index, *fault) for fault in _faults(draft, known.get(draft.code), places, seen)]
        seen.add(draft.code)
    if errors:
        raise ChannelRefused(errors)


def _faults(
    draft: ChannelDraft, before: ChannelRef | None, places: Places, seen: Collection[str]
) -> Iterable[tuple[str, str, str]]:
    if not CODE.fullmatch(draft.code):
        yield "code", "1 to 64 letters, digits, dots, dashes and underscores; the first a letter or digit", draft.code
    elif draft.code in seen:
        yield "code", "this code is there twice", draft.code
    if not len(draft.name.strip()) >= 1 or len(draft.name) > NAME_CHARACTERS_MAX or CONTROL.search(draft.name):
        yield "name", f"1 to {NAME_CHARACTERS_MAX} characters, no control characters", draft.name
    if draft.kind not in KINDS:
        yield "kind", f"one of {', '.join(KINDS)}", draft.kind
    if before is None and draft.state not in FIRST:
        yield "state", f"a channel begins as {' or '.join(FIRST)}", draft.state
    entity_id = places.entities.get(draft.entity)
    if entity_id is None:
        yield "entity", "there is no such entity", draft.entity
    elif before is not None and before.entity_id != entity_id:
        yield "entity", "a channel's entity never changes", draft.entity
    if len(draft.locations) > LOCATIONS_MAX:
        yield "locations", f"at most {LOCATIONS_MAX} locations", str(len(draft.locations))
    yield from _location_faults(draft, places)


def _location_faults(draft: ChannelDraft, places: Places) -> Iterable[tuple[str, str, str]]:
    for position, code in enumerate(draft.locations):
        location = places.locations.get(code)
        if location is None:
            yield "locations", "there is no such location", code
        elif draft.entity in places.entities and location.entity != draft.entity:
            yield "locations", f"this location belongs to {location.entity}", code
        elif code in draft.locations[:position]:
            yield "locations", "this location is there twice", code


def _is_askable(code: str) -> bool:
    return code.isascii() and code.isprintable()
