"""What approvals contribute to the core's own plugin."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from flask import Blueprint
from flask_smorest import Blueprint as Resource
from sqlalchemy.orm import Session

from onhand.access import Principal
from onhand.approvals import queries, views
from onhand.approvals.backtesting import BACKTESTS
from onhand.approvals.services.following import follow_up
from onhand.approvals.services.people import person_of
from onhand.approvals.services.rows import kinds_of
from onhand.approvals.services.rules import RULES
from onhand.contributions import ApprovalKind, MenuItem, Permission, PolicyType, Schedule
from onhand.jobs import JobActor, actor
from onhand.transaction import run

__all__ = ["ACTORS", "BACKTESTS", "BLUEPRINTS", "KINDS", "MENU", "PERMISSIONS", "POLICIES", "RESOURCES", "SCHEDULES"]

FOLLOW_BATCH = 500


def waiting(session: Session, known: Principal, entity_id: int, now: datetime) -> int:
    """Return how many approvals wait for who looks, in the entity at hand and in the group."""
    who = queries.reader_of(
        session,
        {entity_id: known.locations("approvals.read", entity_id)},
        sees_group=known.may_in_group("approvals.read"),
        person=person_of(session, known.actor),
        now=now,
    )
    return queries.waiting_count(session, who, kinds_of(session))


@actor(attempts=3)
def follow_up_approvals(entities: Sequence[int]) -> None:
    """Remind who has to decide, pass on what nobody is left for. Twice is harmless: what was followed up is not due."""
    while run(lambda session, now: follow_up(session, now=now, limit=FOLLOW_BATCH), entities=entities) == FOLLOW_BATCH:
        pass


ACTORS: list[JobActor[...]] = [follow_up_approvals]
SCHEDULES = [Schedule("onhand.follow_up_approvals", follow_up_approvals, every=timedelta(minutes=1))]
BLUEPRINTS: list[Blueprint] = [views.approvals]
RESOURCES: list[Resource] = [views.approvals_api, views.rules_api, views.delegations_api]
MENU = [MenuItem("Approvals", "approvals.inbox", "clipboard-check", "approvals.read", order=12, count=waiting)]

KINDS: list[ApprovalKind] = [RULES]
PERMISSIONS = [
    Permission(
        "approvals.read",
        "See approvals, take back what one asked for, and decide what one's roles, or whom one stands in for, may decide",
    ),
    Permission("approvals.approve", "Delegate one's authority to approve, and end that"),
    Permission("approvals.edit", "Change the rules for approvals"),
]
POLICIES = [
    PolicyType(
        name="approvals.split_hours",
        label="Window for splitting",
        type=int,
        unit="hours",
        default=24,
        maximum=744,
        help="Requests of one person that agree in kind, place and subject within so many hours are added up.",
        scopes=("location", "entity"),
    ),
    PolicyType(
        name="approvals.reminder_hours",
        label="Hours until a reminder",
        type=int,
        unit="hours",
        default=24,
        minimum=1,
        maximum=744,
        help="Who has to decide is reminded after so many hours, and again after as many.",
        scopes=("location", "entity"),
    ),
    PolicyType(
        name="approvals.reminders",
        label="Reminders before it is passed on",
        type=int,
        unit="reminders",
        default=2,
        maximum=100,
        help="After so many reminders without effect an approval is passed on to the next tier's role.",
        scopes=("location", "entity"),
    ),
    PolicyType(
        name="approvals.escalation_role",
        label="Role of last resort",
        type=str,
        default="admin",
        help="Where no later tier is left, an approval that nobody decides is passed on to this role.",
        scopes=("entity",),
    ),
    PolicyType(
        name="approvals.bulk_amount_max",
        label="Largest amount in bulk",
        type=int,
        unit="minor units",
        default=100_000,
        maximum=10**15,
        help="What weighs more, with what it was added up with, is approved on its own page only. In minor units of the currency: 100000 are 1000.00.",
        scopes=("location", "entity"),
    ),
    PolicyType(
        name="approvals.delegation_days_max",
        label="Longest delegation",
        type=int,
        unit="days",
        default=60,
        maximum=366,
        help="Nobody may let another approve in their stead for longer at once.",
        scopes=(),
    ),
]
