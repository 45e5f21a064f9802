"""Observer jobs: events of one hook and one entity, told to one add-on."""

import json
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any, get_args, get_type_hints

import msgspec
import pluggy
from sqlalchemy.orm import Session

from onhand.jobs.actors import OBSERVE
from onhand.jobs.claims import Claimed, finish, split
from onhand.jobs.queue import NewJob
from onhand.transaction import context, run

__all__ = ["is_observation", "is_unoffered", "observation", "observe"]

ATTEMPTS = 8


class _Observation(msgspec.Struct):
    hook: str
    events: list[msgspec.Raw]


def observation(addon: str, hook: str, entity_id: int, payloads: Sequence[str]) -> NewJob:
    """Return the job that tells an add-on these events. Payloads are JSON already and are not read again."""
    args = f'{{"hook": {json.dumps(hook)}, "events": [{",".join(payloads)}]}}'
    return NewJob(addon, f"{addon}.{OBSERVE}", entity_id, args, ATTEMPTS)


def is_observation(claimed: Claimed) -> bool:
    """Return whether a job tells events, rather than naming an actor."""
    return claimed.actor.endswith(f".{OBSERVE}")


def is_unoffered(session: Session, claimed: Claimed, now: datetime) -> bool:
    """Return whether a job tells events that nobody offers in this process, while an add-on that may is not loaded: it waits."""
    addons = context(session).addons
    if not is_observation(claimed) or not addons.may_miss_some:
        return False
    told = msgspec.json.decode(claimed.args, type=_Observation)
    return not addons.offers(told.hook) and bool(addons.absent(now))


def observe(claimed: Claimed) -> None:
    """Tell the events and delete the job in one transaction, so that what the observer writes is written once.

    An observer that raises undoes all events of its job; from the second attempt on each event is a job of its own.
    An add-on that was switched off or removed meanwhile is told nothing; nor is any told what nobody offers any more.
    """
    told = msgspec.json.decode(claimed.args, type=_Observation)
    addon = claimed.actor.removesuffix(f".{OBSERVE}")
    entity_id = claimed.entity_id
    assert entity_id is not None  # noqa: S101 - every event is of one entity

    def command(session: Session, now: datetime) -> None:
        if claimed.attempts > 1 and len(told.events) > 1:
            split(session, claimed, now=now)
            return
        addons = context(session).addons
        caller = addons.caller(told.hook, entity_id, now) if addons.offers(told.hook) else None
        for impl in caller.get_hookimpls() if caller else ():
            if impl.plugin_name == addon:
                _tell(session, impl, told, now)
        finish(session, claimed)

    run(command, entities=[entity_id])


def _tell(session: Session, impl: pluggy.HookImpl, told: _Observation, now: datetime) -> None:
    """Tell events one by one, or in one call where the spec takes `events`.

    An observer that takes locks must see them all at once: of two of its calls in one transaction the second would lock
    after the first has, and so in no order.
    """
    spec = getattr(context(session).addons.manager.hook, told.hook).spec
    event_type, is_list = _told(spec.function)
    events = [msgspec.json.decode(raw, type=event_type) for raw in told.events]
    for given in [{"events": events}] if is_list else [{"event": event} for event in events]:
        arguments = {"session": session, "now": now, **given}
        impl.function(*(arguments[name] for name in impl.argnames))


@cache
def _told(spec: Any) -> tuple[Any, bool]:
    """Return the dataclass that an observe-hook is told, as its spec annotates it, and whether it is told lists."""
    hints = get_type_hints(spec)
    return (get_args(hints["events"])[0], True) if "events" in hints else (hints["event"], False)
