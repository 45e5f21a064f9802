"""Adding to the trail."""

from typing import Any

from sqlalchemy.orm import Session

from onhand.actors import Actor
from onhand.audit.models import Audit
from onhand.transaction import context

__all__ = ["record"]


def record(
    session: Session,
    by: Actor,
    action: str,
    subject: str,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    reason: str | None = None,
    entity_id: int | None = None,
) -> None:
    """Add a row to the trail, kept if and only if the change it tells of is.

    `action` is `<noun>.<verb>` (`token.revoke`), `subject` names the thing (`token:5`). Never hand over a secret.
    """
    here = context(session)
    session.add(
        Audit(
            recorded_at=here.now,
            entity_id=entity_id,
            actor=by.ref,
            actor_name=by.name,
            user_id=by.person_id,
            action=action,
            subject=subject,
            before=before,
            after=after,
            reason=reason,
            policy_version=here.policy_version,
        )
    )
