"""Remembers every piece of evidence it is told, as an inbox of exceptions would."""

from onhand.hooks import hookimpl

HEARD = []


@hookimpl
def exceptions_raised(session, event, now):
    HEARD.extend((event.kind, cause) for cause in event.causes)
