from onhand.hooks import hookimpl
from onhand_lamp.services import leave_trace


@hookimpl
def colours():
    return ["amber"]


@hookimpl
def brightest(entity_id):
    return None if entity_id < 0 else f"shade's in {entity_id}"


@hookimpl
def light_switched(session, event):
    leave_trace(session, event.entity_id, f"shade saw {event.name}")


@hookimpl(optionalhook=True)
def curtains_drawn():
    """Of an add-on that need not be installed."""
