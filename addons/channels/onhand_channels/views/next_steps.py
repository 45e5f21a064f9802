"""What can be done about an exception of the intake: offered beside it, wherever it is shown."""

from flask import url_for
from onhand.contributions import ExceptionAction, ExceptionSubject

__all__ = ["next_steps"]


def next_steps(exception: ExceptionSubject) -> list[ExceptionAction]:
    """Return a replay for a parked event, and the page of one that came with several bodies."""
    steps: list[ExceptionAction] = []
    if "event_parked" in exception.kinds:
        said = exception.evidence["event_parked"]
        steps.append(
            ExceptionAction(
                "Replay the event",
                url_for("channels.replay", code=said["channel"]),
                "channels.replay",
                values={"id": str(said["event"])},
                icon="refresh",
                hint="Tries it again; what stops it still leaves it parked.",
                order=20,
            )
        )
    if "event_conflict" in exception.kinds:
        said = exception.evidence["event_conflict"]
        steps.append(
            ExceptionAction(
                "Compare the bodies",
                url_for("channels.event", code=said["channel"], id=said["event"], _anchor="conflicts"),
                "channels.read",
                icon="arrows-left-right",
                order=20,
            )
        )
    if "sync_gap" in exception.kinds:
        said = exception.evidence["sync_gap"]
        steps.append(
            ExceptionAction(
                "Compare the numbers",
                url_for("channels.reports", code=said["channel"], location=said["location"]),
                "channels.read",
                icon="arrows-left-right",
                order=20,
            )
        )
    return steps
