"""The life cycle of a channel: its states, and which may follow which. The database holds the same."""

__all__ = [
    "APPROVED", "FIRST", "GOVERNED", "LIVE", "MEANS", "PERMISSION", "PROPOSED", "REASONED", "RETIRED", "SHADOWS", "STATES", "SUSPENDED",
    "TRANSITIONS", "may_become",
]  # fmt: skip

PROPOSED, ASSESSED, APPROVED = "proposed", "assessed", "approved"
LIVE, SUSPENDED, RETIRED = "live", "suspended", "retired"
TRANSITIONS: dict[str, tuple[str, ...]] = {
    PROPOSED: (ASSESSED, RETIRED),
    ASSESSED: (APPROVED, PROPOSED, RETIRED),
    APPROVED: (LIVE, PROPOSED, RETIRED),
    LIVE: (SUSPENDED,),
    SUSPENDED: (LIVE, RETIRED),
    RETIRED: (),
}
STATES = tuple(TRANSITIONS)
FIRST = (PROPOSED, LIVE)
"""What a channel may begin as: live only where who brings it in vouches for it, as a file of channels at work does."""
SHADOWS = frozenset({PROPOSED, ASSESSED, APPROVED})
"""Events of a channel in these are kept and reported on; they move nothing."""
GOVERNED = frozenset({(PROPOSED, ASSESSED), (ASSESSED, APPROVED), (APPROVED, LIVE)})
"""Steps for which the whole checklist must be fulfilled, judged anew each time."""
REASONED = frozenset({PROPOSED, SUSPENDED, RETIRED})
"""Steps back and steps out say why."""
PERMISSION = dict.fromkeys(STATES, "channels.edit") | dict.fromkeys((APPROVED, LIVE, RETIRED), "channels.approve")
"""What it takes to bring a channel into a state. Whoever may edit may also suspend: stopping harm waits for nobody."""
MEANS = {
    PROPOSED: "In shadow: events are kept and reported on, nothing moves.",
    ASSESSED: "The checklist is fulfilled. Still in shadow.",
    APPROVED: "Approved to go live. Still in shadow.",
    LIVE: "Events move stock, holds are made for it.",
    SUSPENDED: "Events are kept and parked, to be replayed. No new holds.",
    RETIRED: "Events are refused, for good.",
}


def may_become(before: str, after: str) -> bool:
    """Say whether a channel in one state may go to another."""
    return after in TRANSITIONS.get(before, ())
