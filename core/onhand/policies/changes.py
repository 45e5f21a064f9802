"""Changes that undo others: taking back the last, rolling back to an older version, cancelling one that is still to come."""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from onhand.policies.services import PolicyChange, PolicyRefused, find_version, in_force_at, place_of

__all__ = ["cancellation", "rollback", "taking_back"]


def rollback(session: Session, name: str, version_id: int) -> PolicyChange:
    """Return the change that sets again what an older version said, at its place, from now on.

    History is not rewritten: it becomes a new version equal to the old one. PolicyRefused for a version that was
    cancelled, and so never said anything.
    """
    version = find_version(session, name, version_id)
    if version.cancels:
        raise PolicyRefused(
            f"version {version.id} of {name} cancels version {version.replaces}: there is no value to go back to",
            policy=name,
            field="version",
        )
    return PolicyChange(name, version.value, place_of(version), condition=version.condition)


def taking_back(session: Session, name: str, version_id: int, *, now: datetime) -> PolicyChange:
    """Return the change that takes back the version in force at its place: what was said there before it is set again.

    Where nothing was, what is set there ends. PolicyRefused for a version that is not in force.
    """
    version = find_version(session, name, version_id)
    where = place_of(version)
    live = in_force_at(session, name, where, now)
    if live is None or live.id != version.id:
        raise PolicyRefused(
            f"version {version.id} of {name} is not in force: roll back to the version you want",
            policy=name,
            field="version",
            other=live.id if live else None,
            is_conflict=True,
        )
    before = in_force_at(session, name, where, version.effective_from - timedelta(microseconds=1))
    if before is None:
        return PolicyChange(name, None, where)
    return PolicyChange(name, before.value, where, condition=before.condition)


def cancellation(session: Session, name: str, version_id: int, *, now: datetime) -> PolicyChange:
    """Return the change that cancels a version which is still to come; PolicyRefused for one in force."""
    version = find_version(session, name, version_id)
    if version.effective_from <= now or version.cancels:
        raise PolicyRefused(
            f"version {version.id} of {name} is not to come any more: only a scheduled version can be cancelled",
            policy=name,
            field="version",
            other=version.id,
            is_conflict=True,
        )
    return PolicyChange(
        name, None, place_of(version), effective_from=version.effective_from, replaces=version.id, cancels=True
    )
