"""Channels: where demand comes from, and the door through which its events reach the ledger."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from flask import Blueprint
from flask_smorest import Blueprint as Resource
from onhand.contributions import (
    ApprovalKind,
    ExceptionAction,
    ExceptionKind,
    ExceptionSubject,
    Exporter,
    Importer,
    Invariant,
    Kpi,
    Loop,
    Measure,
    MenuItem,
    Permission,
    PolicyBacktest,
    PolicyProfile,
    PolicyScope,
    PolicyType,
    PolicyVariable,
    Schedule,
    Tile,
)
from onhand.hooks import hookimpl
from onhand.jobs import JobActor
from onhand_master_data.api import Use
from sqlalchemy.orm import Session

from onhand_channels import exporters as exporting
from onhand_channels import importers as files
from onhand_channels import jobs, master_data, views
from onhand_channels.backtests import BACKTESTS
from onhand_channels.facts import FACT_TYPES
from onhand_channels.feed_queries import feed_measures
from onhand_channels.invariants import CHANNEL_INVARIANTS
from onhand_channels.kpis import KPIS
from onhand_channels.policy_scopes import POLICY_SCOPES
from onhand_channels.services import LIFECYCLE, degradation, evidence, feeding, health, sync_gaps
from onhand_channels.stock_reports import STOCK_REPORT_TYPE
from onhand_channels.values import EventType
from onhand_channels.views.tile import parked_tile

if TYPE_CHECKING:
    from click import Command


@hookimpl
def blueprints() -> list[Blueprint]:
    """The event door, and the pages."""
    return [views.door, views.channels]


@hookimpl
def resources() -> list[Resource]:
    """Channels and their inbox over REST."""
    return [
        views.channels_api,
        views.inbox_api,
        views.lifecycle_api,
        views.shadow_api,
        views.report_api,
        views.health_api,
        views.feed_api,
    ]


@hookimpl
def menu() -> list[MenuItem]:
    """The list of channels."""
    return [MenuItem("Channels", "channels.index", "building-store", "channels.read", order=30)]


@hookimpl
def tiles(session: Session, entity_id: int, now: datetime) -> list[Tile]:
    """How many events are parked."""
    return parked_tile(session, entity_id, now)


@hookimpl
def event_types() -> list[EventType]:
    """The stock facts, the facts of orders, and a channel's own numbers."""
    return [*FACT_TYPES, STOCK_REPORT_TYPE]


@hookimpl
def permissions() -> list[Permission]:
    """Who may send events, see them, and change channels."""
    return [
        Permission("channels.read", "See channels, their events and their latency"),
        Permission("channels.edit", "Propose, change, assess and suspend channels"),
        Permission("channels.approve", "Approve channels, take them live, resume and retire them"),
        Permission("channels.post_events", "Send events for a channel"),
        Permission("channels.replay", "Replay parked events and settle conflicts"),
    ]


@hookimpl
def policies() -> list[PolicyType]:
    """How late a fact may be told, by when what went wrong is to be mended, and how many test events it takes."""
    return [
        PolicyType("channels.parked_hours", "Service level of parked events", int, 8,
                   "A parked event, or one with several bodies, escalates when it is not mended by then.", "hours", maximum=8_760),
        PolicyType("channels.sync_gap_hours", "Service level of synchronisation gaps", int, 24,
                   "A channel's own number that is off escalates when it still is by then.", "hours", maximum=8_760),
        PolicyType("channels.latency_hours", "Service level of latency breaches", int, 4,
                   "A channel that tells facts late escalates when it still does by then.", "hours", maximum=8_760),
        PolicyType(
            "channels.latency_seconds_max", "Latency service level", int, 300,
            "Facts recorded later than this after they occurred raise a latency breach.", "s", ("channel", "entity"),
            minimum=1, maximum=31_536_000, variables=(PolicyVariable("type", str, "The type of the event, onhand.sale.v1 say."),),
        ),
        PolicyType(
            "channels.shadow_events_min", "Test events in shadow", int, 10,
            "So many of a channel's newest test events must be without a problem before it goes live.",
            "events", ("channel", "entity"), maximum=10_000,
        ),
        PolicyType(
            degradation.PLAN, "Degradation plan", str, "normal",
            "What is done by itself while a channel is not well: normal (nothing), raise_buffer, stop_holds or suspend.",
            scopes=("channel", "entity"),
        ),
        PolicyType(
            degradation.BUFFER_RAISE, "Buffer while degraded", int, 1,
            "Units of everything kept back beyond buffers while a channel's buffer is raised.",
            "units", ("channel", "entity"), maximum=1_000_000,
        ),
        PolicyType(
            health.PARKED_PERCENT, "Tolerated share of parked events", int, 20,
            "A channel of whose events of the last hour more are parked, or in conflict, is not well.",
            "%", ("channel", "entity"), maximum=100,
        ),
        PolicyType(
            health.SILENCE, "Tolerated silence", int, 0,
            "A channel that tells nothing for longer is not well; 0: silence is not watched.",
            "s", ("channel", "entity"), maximum=31_536_000,
        ),
        PolicyType(
            feeding.WRITES_PER_MINUTE, "Write budget", int, 120,
            "A channel is brought at most so many numbers a minute, or calls of many where it takes those.",
            "writes per minute", ("channel", "entity"), minimum=1, maximum=60_000,
        ),
        PolicyType(
            feeding.IN_FLIGHT_MINUTES, "Orders not told yet", int, 60,
            "Units of orders that a channel has taken and not told are kept off its availability for so long.",
            "minutes", ("channel", "entity"), minimum=1, maximum=10_080,
        ),
        PolicyType(
            sync_gaps.TOLERANCE, "Tolerated difference", int, sync_gaps.DEFAULT_TOLERANCE,
            "A channel's own number may differ by so much from the book before it is a synchronisation gap.",
            "units", ("item", "category", "location", "channel", "entity"), maximum=1_000_000,
        ),
    ]  # fmt: skip


@hookimpl
def approval_kinds() -> list[ApprovalKind]:
    """Steps of a channel's life that others must agree to, where a rule says so."""
    return [LIFECYCLE]


@hookimpl
def commands() -> "list[Command]":
    """`onhand channel list | show | advance`, `onhand feed status | resend`."""
    from onhand_channels.commands import channel
    from onhand_channels.feed_commands import feed

    return [channel, feed]


@hookimpl
def actors() -> list[JobActor[...]]:
    """Functions that jobs may name."""
    return [jobs.publish_feed, jobs.rejudge_reports, jobs.watch_channels]


@hookimpl
def schedules() -> list[Schedule]:
    """Every minute channels' own numbers are judged anew, and their health is looked at."""
    return [
        Schedule("channels.rejudge_reports", jobs.rejudge_reports, every=timedelta(minutes=1)),
        Schedule("channels.watch_channels", jobs.watch_channels, every=timedelta(minutes=1)),
    ]


@hookimpl
def measures(session: Session, now: datetime) -> list[Measure]:
    """How the feed of each live channel is."""
    return feed_measures(session, now)


@hookimpl
def loops() -> list[Loop]:
    """What changed is marked for the channels that are fed, and brought to them."""
    return [Loop("channels.feed", jobs.feed_step, idle_seconds=0.5)]


@hookimpl
def policy_backtests() -> list[PolicyBacktest]:
    """Recorded events, judged by another service level."""
    return list(BACKTESTS)


@hookimpl
def policy_profiles() -> list[PolicyProfile]:
    """How late facts may be told, by kind of retailer."""
    limits = {"luxury": 60, "grocery": 120, "specialty_apparel": 300, "consumer_electronics": 60}
    return [PolicyProfile(name, {"channels.latency_seconds_max": seconds}) for name, seconds in limits.items()]


@hookimpl
def policy_scopes() -> list[PolicyScope]:
    """Channels, where policies are set for them."""
    return list(POLICY_SCOPES)


@hookimpl
def exporters() -> list[Exporter]:
    """The same file, written."""
    return [exporting.CHANNELS]


@hookimpl
def importers() -> list[Importer]:
    """The CSV file of channels."""
    return [files.CHANNELS]


@hookimpl
def invariants() -> list[Invariant]:
    """The laws of the inbox."""
    return list(CHANNEL_INVARIANTS)


@hookimpl
def exception_kinds() -> list[ExceptionKind]:
    """What goes wrong at the intake."""
    return [
        ExceptionKind("event_parked", "Event parked", evidence.parked_standing, hours_policy="channels.parked_hours"),
        ExceptionKind(
            "event_conflict", "Event conflict", evidence.conflicts_standing, hours_policy="channels.parked_hours"
        ),
        ExceptionKind(
            "latency_breach", "Latency breach", evidence.latency_standing, severity=1,
            hours_policy="channels.latency_hours",
        ),
        ExceptionKind(
            sync_gaps.KIND, "Synchronisation gap", sync_gaps.still_true, hours_policy="channels.sync_gap_hours"
        ),
    ]  # fmt: skip


@hookimpl
def exception_actions(exception: ExceptionSubject) -> list[ExceptionAction]:
    """What can be done about a parked event, or one that came with several bodies."""
    return views.next_steps(exception)


@hookimpl
def item_obligations(session: Session, entity_id: int, item_ids: Sequence[int]) -> list[Use]:
    """Orders of an item that shall be merged into another."""
    return master_data.item_obligations(session, entity_id, item_ids)


@hookimpl
def kpis() -> list[Kpi]:
    """Figures of the executive view."""
    return list(KPIS)
