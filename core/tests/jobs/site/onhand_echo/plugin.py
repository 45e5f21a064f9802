from onhand.hooks import hookimpl
from onhand_probe import traces


@hookimpl
def thing_seen(session, event):
    traces.leave(session, event.entity_id, "echo", event.number)


@hookimpl(optionalhook=True)
def thing_lent(session, event):
    traces.leave(session, event.entity_id, "lent", event.number)
