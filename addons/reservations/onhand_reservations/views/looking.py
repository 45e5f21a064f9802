"""Holds over REST: look one up, list many."""

from datetime import datetime
from uuid import UUID

from flask import Response, request
from onhand.access import hot, in_scope, principal, requires, scope
from onhand.problems import Invalid, NotFound, field_error
from onhand.rest import LIMIT_DEFAULT, LIMIT_MAX, page, wire
from sqlalchemy.orm import Session

from onhand_reservations import queries
from onhand_reservations.listings import OPEN, ORDER, STATUSES, Filter, Reach, holds_listed
from onhand_reservations.schemas import HoldList
from onhand_reservations.values import Hold
from onhand_reservations.views.door import door, find_channel, within

__all__ = ["list_holds", "show"]

READ = "reservations.read"
BY_STATUS = {"open": OPEN, **{status: (status,) for status in STATUSES}}


@door.get("/reservations/<uuid:hold_id>")
@hot
@requires(READ)
def show(hold_id: UUID) -> Response:
    """Look a hold up."""
    return wire.answer(in_scope(lambda session, _: _find(session, hold_id)))


@door.get("/reservations")
@requires(READ)
def list_holds() -> Response:
    """List holds, the newest first, by channel, reference and status."""
    return wire.answer(in_scope(_list))


def _find(session: Session, hold_id: UUID) -> Hold:
    entity_id = queries.entity_of(session, hold_id)
    entities = [entity_id] if entity_id in scope() else []
    found = queries.find_hold(session, entities, hold_id, within(READ, entity_id or 0))
    if found is None:
        raise NotFound(f"there is no hold {hold_id}")
    return found


def _list(session: Session, _: datetime) -> HoldList:
    known = principal()
    reach: Reach = {entity_id: known.locations(READ, entity_id) for entity_id in scope()}
    code = request.args.get("channel")
    wanted = Filter(
        statuses=_statuses(),
        channel_id=None if code is None else find_channel(session, code, READ).id,
        source_id=None if known.source is None else find_channel(session, known.source, READ).id,
        reference=request.args.get("reference"),
    )
    found = page(session, holds_listed(wanted, reach), ORDER, request.args.get("cursor"), _limit())
    ids = [row.id for row in found["items"]]
    return HoldList(queries.holds_by_id(session, scope(), ids), found["next"])


def _statuses() -> tuple[str, ...] | None:
    asked = request.args.getlist("status")
    unknown = [status for status in asked if status not in BY_STATUS]
    if unknown:
        message = f"one of {', '.join(BY_STATUS)}"
        raise Invalid(errors=[field_error("status", message, unknown[0])])
    return tuple({status for name in asked for status in BY_STATUS[name]}) or None


def _limit() -> int:
    asked = request.args.get("limit", str(LIMIT_DEFAULT))
    if not asked.isdecimal() or len(asked) > 5:
        raise Invalid(errors=[field_error("limit", f"from 1 to {LIMIT_MAX}", asked)])
    return int(asked)
