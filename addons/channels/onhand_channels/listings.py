"""What lists show: queries for keyset pages, narrowed by what a person asked and may see."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from onhand.addons.models import Entity
from sqlalchemy import ColumnElement, Select, and_, exists, false, or_, select

from onhand_channels.models import Channel, ChannelLocation, Event, EventConflict, ShadowLine, StockReport
from onhand_channels.values import ChannelRef

__all__ = [
    "CHANNEL_ORDER", "CONFLICT_ORDER", "EVENT_ORDER", "REPORT_ORDER", "SHADOW_ORDER", "ChannelFilter", "EventFilter", "Reach",
    "channels_listed", "conflicts_listed", "events_listed", "reports_listed", "shadow_lines_listed",
]  # fmt: skip

Reach = Mapping[int, Collection[int] | None]
"""Entity → the locations of it where a permission is held; None is all of them. A channel is seen with any of its own."""

EVENTS = Event.__table__.c
CONFLICTS = EventConflict.__table__.c
CHANNEL_ORDER: Sequence[ColumnElement[Any]] = (Channel.__table__.c.code,)
EVENT_ORDER: Sequence[ColumnElement[Any]] = (EVENTS.recorded_at.desc(), EVENTS.event_id.desc())
CONFLICT_ORDER: Sequence[ColumnElement[Any]] = (
    CONFLICTS.recorded_at.desc(), CONFLICTS.event_id.desc(), CONFLICTS.digest.desc(),
)  # fmt: skip

LINES = ShadowLine.__table__.c
SHADOW_ORDER: Sequence[ColumnElement[Any]] = (LINES.recorded_at.desc(), LINES.event_id.desc(), LINES.position.desc())

REPORTS = StockReport.__table__.c
REPORT_ORDER: Sequence[ColumnElement[Any]] = (REPORTS.location_id, REPORTS.item_id)


@dataclass(frozen=True, slots=True)
class ChannelFilter:
    """What a list of channels is narrowed by. `code` is the only one wanted, `text` part of the name or code."""

    code: str | None = None
    text: str | None = None
    kind: str | None = None
    state: str | None = None


@dataclass(frozen=True, slots=True)
class EventFilter:
    """What an inbox is narrowed by."""

    outcome: str | None = None
    reason: str | None = None
    type: str | None = None
    id: str | None = None


def channels_listed(wanted: ChannelFilter, within: Reach) -> Select[Any]:
    """Return the channels within reach."""
    places = [
        Channel.entity_id == entity_id if ids is None else and_(Channel.entity_id == entity_id, _sells_from(ids))
        for entity_id, ids in within.items()
    ]
    query: Select[Any] = (
        select(*Channel.__table__.c, Entity.code.label("entity"))
        .join(Entity, Entity.id == Channel.entity_id)
        .where(or_(false(), *places))
    )
    if wanted.code is not None:
        query = query.where(Channel.code == wanted.code)
    if wanted.text:
        starts = Channel.code.istartswith(wanted.text, autoescape=True)
        query = query.where(or_(starts, Channel.name.icontains(wanted.text, autoescape=True)))
    if wanted.kind:
        query = query.where(Channel.kind == wanted.kind)
    if wanted.state is not None:
        query = query.where(Channel.state == wanted.state)
    return query


def events_listed(channel: ChannelRef, wanted: EventFilter) -> Select[Any]:
    """Return the events of a channel, without their bodies. A reason alone asks for those parked for it."""
    outcome = "parked" if wanted.reason and wanted.outcome is None else wanted.outcome
    query = select(*(column for column in EVENTS if column.name != "body")).where(
        Event.entity_id == channel.entity_id, Event.channel_id == channel.id
    )
    for column, value in (
        (Event.outcome, outcome), (Event.reason, wanted.reason), (Event.type, wanted.type),
        (Event.event_id, wanted.id),
    ):  # fmt: skip
        if value is not None:
            query = query.where(column == value)
    return query


def conflicts_listed(channel: ChannelRef, *, is_settled: bool, event_id: str | None = None) -> Select[Any]:
    """Return the conflicts of a channel, or of one of its events, with their bodies."""
    query = select(*CONFLICTS).where(
        EventConflict.entity_id == channel.entity_id,
        EventConflict.channel_id == channel.id,
        EventConflict.settled_at.is_not(None) if is_settled else EventConflict.settled_at.is_(None),
    )
    return query if event_id is None else query.where(EventConflict.event_id == event_id)


def shadow_lines_listed(channel: ChannelRef) -> Select[Any]:
    """Return what a channel's events would have posted, line by line."""
    return select(*LINES).where(ShadowLine.entity_id == channel.entity_id, ShadowLine.channel_id == channel.id)


def reports_listed(
    channel: ChannelRef, *, is_gap: bool | None = None, location_ids: Collection[int] | None = None
) -> Select[Any]:
    """Return a channel's own numbers, by location and item."""
    query = select(*REPORTS).where(StockReport.entity_id == channel.entity_id, StockReport.channel_id == channel.id)
    if is_gap is not None:
        query = query.where(StockReport.is_gap.is_(is_gap))
    return query if location_ids is None else query.where(StockReport.location_id.in_(location_ids))


def _sells_from(location_ids: Collection[int]) -> ColumnElement[bool]:
    return exists().where(ChannelLocation.channel_id == Channel.id, ChannelLocation.location_id.in_(location_ids))
