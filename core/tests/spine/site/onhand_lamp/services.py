from onhand import outbox
from onhand.db import cursor

from onhand_lamp.events import LightSwitched


def light(session, entity_id, *names):
    """Light these; each is told to who observes it."""
    for name in names:
        cursor(session).execute("INSERT INTO lamp.light (entity_id, name) VALUES (%s, %s)", (entity_id, name))
        outbox.publish(session, LightSwitched(entity_id, name))


def put_out(session, entity_id):
    cursor(session).execute("DELETE FROM lamp.light WHERE entity_id = %s", (entity_id,))


def lit(session):
    """Return (entity, name) of the lights that this transaction sees."""
    return cursor(session).execute("SELECT entity_id, name FROM lamp.light ORDER BY id").fetchall()


def leave_trace(session, entity_id, what):
    cursor(session).execute("INSERT INTO lamp.trace (entity_id, what) VALUES (%s, %s)", (entity_id, what))


def traces(session):
    return [
        tuple(row) for row in cursor(session).execute("SELECT entity_id, what FROM lamp.trace ORDER BY what, entity_id")
    ]
