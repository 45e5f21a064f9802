"""Replay as pages and programs ask for it: what can be posted is, whatever is the matter with the others."""

from collections.abc import Sequence
from datetime import datetime

from onhand.access import actor, in_scope
from sqlalchemy.orm import Session

from onhand_channels.piecemeal import piecemeal
from onhand_channels.services import REPLAY_MAX, parked_ids, replay
from onhand_channels.values import ChannelRef, Fault, Outcome
from onhand_channels.views.asking import demand_whole_entities, known_channel

__all__ = ["replay_all", "replay_ids"]

ROUNDS_MAX = 10


def replay_ids(code: str, ids: Sequence[str], *, outcome: str = "parked") -> list[Outcome]:
    """Try parked (or shadowed) events of a channel again; the answer leaves out those that are not."""
    demand_whole_entities("channels.replay")
    by = actor()

    def within(session: Session) -> ChannelRef:
        return known_channel(session, code, "channels.replay")

    def attempt(part: Sequence[str]) -> list[Outcome]:
        return in_scope(
            lambda session, now: replay(session, within(session), part, by=by, now=now, outcome=outcome)
        )  # fmt: skip

    def give_up(event_id: str, fault: Fault) -> list[Outcome]:
        return in_scope(
            lambda session, now: replay(
                session, within(session), [event_id], by=by, now=now, fault=fault, outcome=outcome
            )
        )  # fmt: skip

    return piecemeal(sorted(set(ids)), attempt, give_up)


def replay_all(
    code: str, after: str = "", *, rounds: int = ROUNDS_MAX, outcome: str = "parked"
) -> tuple[list[Outcome], str | None]:
    """Try all parked (or shadowed) events of a channel behind an id, in rounds of 1,000; return where to go on from."""
    results: list[Outcome] = []
    for _ in range(rounds):

        def next_ids(session: Session, _: datetime, start: str = after) -> list[str]:
            return parked_ids(session, known_channel(session, code, "channels.replay"), after=start, outcome=outcome)

        ids = in_scope(next_ids)
        if ids:
            results += replay_ids(code, ids, outcome=outcome)
            after = ids[-1]
        if len(ids) < REPLAY_MAX:
            return results, None
    return results, after
