"""Shopify: a shop's orders, fulfilments, refunds and numbers in, what may be sold there back. Each line points at its file."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from flask import Blueprint
from flask_smorest import Blueprint as Resource
from onhand.contributions import ExceptionKind, MenuItem, Obligation, Permission, PolicyType, Schedule
from onhand.hooks import hookimpl
from onhand.jobs import JobActor
from onhand_channels.api import ChannelRef, Check, Publisher
from sqlalchemy.orm import Session

from onhand_shopify import jobs, queries, services, settings, views
from onhand_shopify.checks import checks_of
from onhand_shopify.publishing import PUBLISHER


@hookimpl
def blueprints() -> list[Blueprint]:
    """The webhook door, and the pages."""
    return [views.door, views.shopify]


@hookimpl
def resources() -> list[Resource]:
    """Shops over REST."""
    return [views.shopify_api]


@hookimpl
def menu() -> list[MenuItem]:
    """The shops."""
    return [MenuItem("Shopify", "shopify.index", "building-store", "shopify.read", order=35)]


@hookimpl
def permissions() -> list[Permission]:
    """Who may look, and who may connect shops."""
    return [
        Permission("shopify.read", "See Shopify shops and what they sent"),
        Permission("shopify.edit", "Connect Shopify shops, map their locations and replay what they sent"),
    ]


@hookimpl
def policies() -> list[PolicyType]:
    """How long webhooks are kept, and by when what is missing is to be mended."""
    return [
        PolicyType(settings.KEEP_DAYS, "Webhooks kept", int, 30,
                   "Webhooks that are done with are thrown away after so long; what they told stays.", "days",
                   minimum=1, maximum=3_650),
        PolicyType(settings.HOLD_ORDERS, "Orders held", bool, True,
                   "What a shop has sold is held until it is shipped, so that nobody else is promised it.",
                   scopes=("channel", "entity")),
        PolicyType(settings.LEVELS_WAIT, "Wait with a shop's own numbers", int, 60,
                   "A shop's own number is compared so long after it came: by then what it sold is told too.", "s",
                   maximum=3_600),
        PolicyType("shopify.unheld_hours", "Service level of orders not held", int, 4,
                   "An order that a shop took and nothing could be held for escalates when it still is so by then.", "hours",
                   maximum=8_760),
        PolicyType("shopify.parked_hours", "Service level of parked webhooks", int, 8,
                   "What keeps webhooks parked escalates when it is not mended by then.", "hours", maximum=8_760),
    ]  # fmt: skip


@hookimpl
def publishers() -> list[Publisher]:
    """Availability, brought to connected shops."""
    return [PUBLISHER]


@hookimpl
def channel_checks(session: Session, channels: Sequence[ChannelRef], now: datetime) -> list[list[Check]]:
    """A shop is read, its locations are mapped, and its orders are kept, before its channel goes live."""
    return checks_of(session, channels, now=now)


@hookimpl
def exception_kinds() -> list[ExceptionKind]:
    """What goes wrong: webhooks that cannot be told, orders that cannot be held."""
    return [
        ExceptionKind(
            services.KIND, "Shopify webhooks parked", services.parked_standing, hours_policy="shopify.parked_hours"
        ),
        ExceptionKind(
            services.UNHELD, "Shopify order not held", services.unheld_standing, 3, hours_policy="shopify.unheld_hours"
        ),
    ]


@hookimpl
def actors() -> list[JobActor[...]]:
    """Functions that jobs may name."""
    return [
        jobs.take_deliveries,
        jobs.hold_orders,
        jobs.hold_again,
        jobs.read_shop,
        jobs.read_shops,
        jobs.prune_deliveries,
    ]


@hookimpl
def schedules() -> list[Schedule]:
    """What was not held is looked at again; once a day shops are read, and old webhooks thrown away."""
    return [
        Schedule("shopify.hold_again", jobs.hold_again, every=timedelta(minutes=10)),
        Schedule("shopify.read_shops", jobs.read_shops, every=timedelta(days=1)),
        Schedule("shopify.prune_deliveries", jobs.prune_deliveries, every=timedelta(days=1)),
    ]


@hookimpl
def open_obligations(session: Session, entity_id: int, now: datetime) -> list[Obligation]:  # noqa: ARG001 - its hook hands it in
    """Webhooks that nobody has looked at yet."""
    return [Obligation("webhooks", queries.waiting_count(session, entity_id), "waiting webhooks", "/shopify/")]
