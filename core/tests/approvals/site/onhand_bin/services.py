from dataclasses import replace

from onhand.approvals.api import Applied, Change, NotApplied
from onhand.db import cursor


def make(session, entity_id, quantity):
    sql = "INSERT INTO bin.bin (entity_id, quantity) VALUES (%s, %s) RETURNING id"
    return cursor(session).execute(sql, (entity_id, quantity)).fetchone()[0]


def put(session, bin_id, quantity):
    cursor(session).execute("UPDATE bin.bin SET quantity = %s WHERE id = %s", (quantity, bin_id))


def held(session, bin_id):
    row = cursor(session).execute("SELECT quantity FROM bin.bin WHERE id = %s", (bin_id,)).fetchone()
    return None if row is None else row[0]


def changes(session):
    return [tuple(row) for row in cursor(session).execute("SELECT bin_id, delta FROM bin.change ORDER BY id")]


def recheck(session, approvals, *, now):
    found = []
    for approval in approvals:
        request = approval.request
        quantity = held(session, request.payload["bin"])
        if quantity is None:
            found.append(NotApplied("the bin is gone"))
        elif quantity == request.changes[0].before:
            found.append(None)
        else:
            after = request.changes[0].after
            found.append(
                replace(request, quantity=after - quantity, changes=(Change("Quantity", quantity, after, "each"),))
            )
    return found


def apply(session, approvals, *, by, now):
    outcomes = []
    for approval in approvals:
        request = approval.request
        delta = request.quantity or 0
        if request.payload.get("stuck"):
            outcomes.append(NotApplied("the bin is stuck: oil it"))
            continue
        if request.payload.get("broken"):
            raise ZeroDivisionError
        sql = "UPDATE bin.bin SET quantity = quantity + %s WHERE id = %s"
        cursor(session).execute(sql, (delta, request.payload["bin"]))
        cursor(session).execute(
            "INSERT INTO bin.change (entity_id, bin_id, approval_id, delta) VALUES (%s, %s, %s, %s)",
            (request.entity_id, request.payload["bin"], approval.id, delta),
        )
        outcomes.append(Applied(href=f"/bins/{request.payload['bin']}", result={"approvers": list(approval.approvers)}))
    return outcomes
