"""Who asks, what is in their reach, and what a refusal becomes."""

from datetime import datetime
from typing import Any
from uuid import UUID

from onhand import problems
from onhand.access import actor, principal, scope
from sqlalchemy.orm import Session

from onhand_exceptions import queries
from onhand_exceptions.services.work import Done, Refused

__all__ = ["AlreadyResolved", "as_wire", "demand_whole_entity", "me", "myself", "reach", "require_done", "seen"]


class AlreadyResolved(problems.Conflict):
    """Somebody, or the check itself, resolved this exception first."""

    type, title = "exception-already-resolved", "This exception is resolved already"


def reach(permission: str = "exceptions.read") -> queries.Reach:
    """Return the entities of this request, and the locations of each where a permission is held."""
    known = principal()
    return {entity_id: known.locations(permission, entity_id) for entity_id in scope()}


def me() -> int | None:
    """Return the person who asks; None for a token that acts for nobody."""
    return actor().person_id


def myself() -> int:
    """Return the person who asks; Invalid for a token that acts for nobody."""
    person = me()
    if person is None:
        message = "this token acts for nobody: name a user's id"
        raise problems.Invalid(message, errors=[problems.field_error("owner", message, "me")])
    return person


def demand_whole_entity(permission: str) -> None:
    """Raise Forbidden for somebody who holds a permission at some locations only: what follows concerns all of them."""
    if principal().locations(permission, scope()[0]) is not None:
        raise problems.Forbidden(f"this needs the permission {permission} in the whole entity", permission=permission)


def seen(session: Session, exception_id: UUID, permission: str = "exceptions.read") -> Any:
    """Return an exception within reach; NotFound otherwise, whatever else it may be."""
    row = queries.one(session, reach(permission), exception_id)
    if row is None:
        raise problems.NotFound("there is no such exception here")
    return row


def require_done(outcome: Done | Refused, field: str) -> None:
    """Turn a refusal into its problem."""
    match outcome:
        case Refused(why="unknown"):
            raise problems.NotFound("there is no such exception here")
        case Refused(why="already_resolved", detail=detail):
            raise AlreadyResolved(detail)
        case Refused(detail=detail):
            raise problems.Invalid(detail, errors=[problems.field_error(field, detail)])


def as_wire(row: Any, now: datetime) -> dict[str, Any]:
    """Return a row as `ExceptionSchema` writes it."""
    owner = {"id": row.owner_user_id, "name": row.owner} if row.owner_user_id is not None else None
    age = queries.age_of(row, now)
    return {
        **row._mapping,
        "cause": row.cause_key,
        "owner": owner,
        "kinds": row.kinds,
        "age_seconds": int(age.total_seconds()),
    }
