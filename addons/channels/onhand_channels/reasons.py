"""Why an event is not carried out, in words: what a sender is told, what a person reads, and what to mend."""

from onhand.problems import Problem

__all__ = ["CONFLICT", "NOT_A_CLOUDEVENT", "PARKED", "EventNotPosted", "mend", "problem_type", "title"]


class EventNotPosted(Problem):
    """An event that was not carried out. Its `type` says why; it is told beside the events that were, with 200."""

    type, title, status = "event-not-posted", "The event was not carried out", 422


NOT_A_CLOUDEVENT = "not_a_cloudevent"
CONFLICT = "event_conflict"
PARKED: dict[str, tuple[str, str]] = {
    "unknown_item": ("Unknown item", "Enter the item, or activate it, then replay."),
    "item_not_stocked": ("Item not stocked here", "Add this entity to those that stock the item, then replay."),
    "item_mismatch": ("SKU and GTIN name two items", "Mend the GTIN of the item, or have the sender mend its own."),
    "item_missing": ("No item named", "The sender leaves out sku and gtin: have it send another event."),
    "unit_refused": ("Unit does not convert", "Give the item a pack of this unit, then replay."),
    "unknown_location": ("Unknown location", "Enter the location, or activate it, then replay."),
    "location_missing": ("No location named", "The sender leaves out the location: have it send another event."),
    "order_missing": ("No order named", "The sender leaves out the order: have it send another event."),
    "unhandled": ("Nobody understands this type", "Switch on the add-on that understands it, then replay."),
    "channel_inactive": ("Channel inactive", "Take the channel live, then replay."),
    "channel_suspended": ("Channel suspended", "Resume the channel, then replay."),
    "foreign_source": ("Source of another channel", "The sender's token is for another channel: give it its own."),
    "time_missing": ("No time", "The sender leaves out when it happened: have it send another event."),
    "time_in_future": ("Time in the future", "Set the sender's clock. Replay once that time has come."),
    "time_implausible": ("Implausible time", "Set the sender's clock, and have it send another event."),
    "invalid_data": ("Data not understood", "Have the sender mend its data and send another event."),
    "posting_failed": ("Posting failed", "An add-on failed on it; the logs say which. Mend that, then replay."),
}
OTHERS = {
    NOT_A_CLOUDEVENT: ("Not a CloudEvent", "Send a CloudEvent 1.0 in structured JSON form. It was not kept."),
    "channel_retired": (
        "Channel retired",
        "What is told for a retired channel is not kept: send it for the channel that took its place.",
    ),
    CONFLICT: (
        "Same id, another body",
        "The id was used before. The first body stands, this one is kept beside it and moved nothing: use a new id.",
    ),
}


def title(reason: str) -> str:
    """Return a reason in words; one that an add-on made up reads as it is spelt."""
    known = PARKED.get(reason) or OTHERS.get(reason)
    return known[0] if known else reason.replace("_", " ").capitalize()


def mend(reason: str) -> str:
    """Return what to do about it; empty for a reason of an add-on's own."""
    known = PARKED.get(reason) or OTHERS.get(reason)
    return known[1] if known else ""


def problem_type(reason: str) -> str:
    """Return the slug of the problem type: the page `/problems/<slug>` explains it."""
    return reason.replace("_", "-")


# A class each, so that every type a sender may meet is in the catalogue of problems and has its page.
TYPES = tuple(
    type(
        "".join(part.capitalize() for part in reason.split("_")),
        (EventNotPosted,),
        {"type": problem_type(reason), "title": words, "__doc__": what, "__module__": __name__},
    )
    for reason, (words, what) in (PARKED | OTHERS).items()
)
