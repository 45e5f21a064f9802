"""Yard: units are held back, put away and used up; `SEEN` is what the ledger told, `RAISED` what went wrong.

`ASKED` are the keys its guard was asked about; it objects to those that begin with "no".
"""

from onhand.hooks import hookimpl
from onhand_stock.api import MovementKind, Objection

SEEN = []
FAULTS = []
RAISED = []
ASKED = []
TAKEN = ("available", "damaged", "quarantined")


@hookimpl
def movement_kinds():
    return [
        MovementKind("quarantine", "Held back", "intent", (("available", "quarantined"), ("receiving", "quarantined"))),
        MovementKind("hold_back", "Promised", "intent", (("available", "reserved"),)),
        MovementKind("put_away", "Put away", "fact", (("receiving", "available"), ("shortage", "available"))),
        MovementKind("use_up", "Used up", "intent", tuple((state, "scrap") for state in TAKEN), needs_reason=True),
    ]


@hookimpl
def movement_posted(session, movements, now):
    SEEN.append([(entry.id, entry.entity_id, entry.kind) for entry in movements])
    if FAULTS:
        raise FAULTS.pop()


@hookimpl
def exceptions_raised(session, event, now):
    RAISED.append(event)


@hookimpl
def may_move(session, groups, now):
    ASKED.append([group.key for group in groups])
    return [Objection(key, "yard_closed", "the yard is closed") for key in ASKED[-1] if key.startswith("no")]
