"""The twin that makes the run turn red: a hold that reads, decides, and writes what it read, in several transactions.

It is what a hold looks like before anybody thought of two customers at once, or of a process that dies between two
commits. It stands in for the real door under `--planted`, here and nowhere else.
"""

from datetime import datetime
from typing import Any

import msgspec
from flask import Flask, Response
from onhand import idempotency
from onhand.access import actor, hot, in_scope, principal, requires
from onhand.actors import Actor
from onhand.app import create_app as create_real_app
from onhand.db import cursor
from onhand_channels.api import channels_by_code
from onhand_reservations.keyed import problem_of
from onhand_reservations.services.holding import Planned, held, insert_holds, plan
from onhand_reservations.values import Hold, HoldRequest, OutOfStock, Shortfall, WantedLine
from onhand_reservations.views.door import read
from onhand_reservations.views.holds import hold_body
from sqlalchemy.orm import Session

__all__ = ["create_app"]

BY = Actor.system("planted")
Read = list[tuple[int, int]]
"""By line: (available, reserved)"""


def create_app() -> Flask:
    """Return the application with the twin at the door of holds."""
    app = create_real_app()
    app.view_functions["reservations_api_door.hold"] = hold
    del app.extensions["onhand_lane"]._ways["POST", "/api/v1/reservations"]
    return app


@hot
@requires("reservations.hold")
def hold() -> Response:
    """Look the key up; read what there is; write what is left; note the key. Each in a transaction of its own."""
    key, owner = idempotency.request_key(), principal().owner
    body, raw = read(hold_body)
    [channel] = in_scope(lambda session, _: channels_by_code(session, [body.channel]))
    lines = tuple(WantedLine(line.sku, line.quantity, line.location) for line in body.lines)
    request = HoldRequest(channel, body.reference, lines, body.ttl_seconds, actor().ref)
    known = in_scope(lambda session, _: _known(session, owner, key))
    if known:
        return idempotency.respond(*known)
    planned, found = in_scope(lambda session, now: _look(session, request, now))
    answer: Hold | OutOfStock = in_scope(lambda session, now: _write(session, planned, found, now))
    status, told = (201, msgspec.json.encode(answer)) if isinstance(answer, Hold) else _refusal(answer)
    digest = idempotency.digest_of(b"hold", raw)
    in_scope(lambda session, now: _note(session, (owner, key, digest), status, told, now))
    return idempotency.respond(status, told)


def _known(session: Session, owner: str, key: str) -> tuple[int, bytes] | None:
    query = "SELECT status, answer FROM onhand.idempotency_key WHERE owner = %s AND key = %s"
    row = cursor(session).execute(query, (owner, key)).fetchone()
    return (row[0], bytes(row[1])) if row else None


def _look(session: Session, request: HoldRequest, now: datetime) -> tuple[Planned, Read]:
    [planned] = plan(session, [request], now)
    assert isinstance(planned, Planned)
    query = "SELECT available, reserved FROM stock.balance WHERE item_id = %s AND location_id = %s"
    rows: Any = [cursor(session).execute(query, (line.item.id, line.location_id)).fetchone() for line in planned.lines]
    return planned, rows


def _write(session: Session, planned: Planned, found: Read, now: datetime) -> Hold | OutOfStock:
    short = [
        Shortfall(number, line.item.sku, line.location, line.quantity, available)
        for number, (line, (available, _)) in enumerate(zip(planned.lines, found, strict=True), 1)
        if available < line.quantity
    ]
    if short:
        return OutOfStock(tuple(short), now)
    sql, channel = cursor(session), planned.request.channel
    sql.execute("SET LOCAL ROLE onhand_stock")
    for line, (available, reserved) in zip(planned.lines, found, strict=True):
        after = available - line.quantity, reserved + line.quantity
        sql.execute(
            "UPDATE stock.balance SET available = %s, reserved = %s WHERE item_id = %s AND location_id = %s",
            (*after, line.item.id, line.location_id),
        )
        sql.execute(
            "INSERT INTO stock.movement (recorded_at, entity_id, item_id, from_location_id, to_location_id, quantity,"
            " from_after, to_after, occurred_at, from_state, to_state, kind, trigger, actor, source)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, 'available', 'reserved', 'reserve', %s, %s, %s)",
            (now, channel.entity_id, line.item.id, line.location_id, line.location_id, line.quantity, *after, now,
             f"hold:{planned.id}", BY.ref, channel.code),
        )  # fmt: skip
    sql.execute("SET LOCAL ROLE NONE")
    insert_holds(session, [planned], by=BY, now=now)
    return held(planned)


def _refusal(refused: OutOfStock) -> tuple[int, bytes]:
    problem = problem_of(refused)
    return problem.status, problem.body()


def _note(session: Session, claim: tuple[str, str, bytes], status: int, told: bytes, now: datetime) -> None:
    if idempotency.claim(session, [claim], now)[claim[:2]] is None:
        idempotency.store(session, [(*claim[:2], status, told)])
