"""The gate in front of every view, and what views ask about who came through it."""

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from flask import abort, current_app, g, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf.csrf import CSRFProtect
from sqlalchemy.orm import Session

from onhand import problems
from onhand.access.directory import by_digest
from onhand.access.doors import Door
from onhand.access.knowing import known_by
from onhand.access.principal import Principal
from onhand.access.state import access, require_declarations
from onhand.access.tokens import digest_of, is_token
from onhand.actors import Actor
from onhand.addons import Addons
from onhand.transaction import context, run

__all__ = [
    "actor", "admit", "admit_bearer", "current_entity", "in_scope", "principal", "principal_or_none", "scope", "switch_to",
]  # fmt: skip

T = TypeVar("T")
UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})
ENTITY_KEY = "entity"
BEARER = "bearer "

csrf = CSRFProtect()


def admit() -> ResponseReturnValue | None:
    """Run before every view: decide who asks and whether they may pass, before anything of the body is read."""
    if request.endpoint is None or request.method == "OPTIONS":
        return None
    door = _door()
    if not door.is_api and request.method in UNSAFE:
        csrf.protect()
    g.onhand_door = door
    if door.permission is None:
        return None
    if door.is_api:
        g.onhand_principal = _bearer(request.environ.get("HTTP_AUTHORIZATION", ""))
    elif not current_user.is_authenticated:
        return _to_login()
    else:
        g.onhand_principal = current_user.principal
    g.onhand_scope = _scope(door, door.permission, g.onhand_principal)
    return None


def admit_bearer(door: Door, header: str) -> None:
    """Let the bearer of a token through a door of the API, or raise why not: `admit` for who has no request at hand."""
    g.onhand_door = door
    if door.permission is not None:
        g.onhand_principal = _bearer(header)
        g.onhand_scope = _scope(door, door.permission, g.onhand_principal)


def principal() -> Principal:
    """Return who asks; Unauthenticated where nobody is known."""
    found = principal_or_none()
    if found is None:
        raise problems.Unauthenticated("nobody is signed in")
    return found


def principal_or_none() -> Principal | None:
    """Return who asks, or None: for pages that everyone may see."""
    if "onhand_principal" in g:
        known: Principal = g.onhand_principal
        return known
    if request.path.startswith("/api/") or not current_user.is_authenticated:
        return None
    signed_in: Principal = current_user.principal
    return signed_in


def actor() -> Actor:
    """Return whom to record as the author of what this request does."""
    return principal().actor


def scope() -> tuple[int, ...]:
    """Return the entities of this request: those of the token, or the one a person has switched to.

    Only entities where the permission of the view is held and its add-on is enabled, or runs out. Never empty for a
    view of an add-on. Ask inside the command that `in_scope` runs, which brings it up to date.
    """
    entities: tuple[int, ...] = g.onhand_scope
    return entities


def in_scope(command: Callable[[Session, datetime], T], *, is_hot: bool = False) -> T:
    """Run a command in one transaction that sees the entities of this request; `is_hot` as for `run`.

    The gate went by what this process last heard. Where an add-on was switched on or off since, the transaction knows,
    and the scope follows it before the command is called.
    """
    try:
        return _within(scope(), command, is_hot)
    except _ScopeMoved as moved:
        g.onhand_scope = moved.entities
        return _within(moved.entities, command, is_hot)


class _ScopeMoved(Exception):
    """The add-on is on for other entities than the gate believed."""

    def __init__(self, entities: tuple[int, ...]) -> None:
        self.entities = entities
        super().__init__(entities)


def _within(entities: tuple[int, ...], command: Callable[[Session, datetime], T], is_hot: bool) -> T:
    door: Door = g.onhand_door

    def judged(session: Session, now: datetime) -> T:
        if door.addon is not None:
            found = context(session).addons.entities_with(door.addon, g.onhand_held, now, draining=True)
            if not found:
                raise problems.NotFound(f"{door.addon} is not enabled here")
            if found != entities:
                raise _ScopeMoved(found)
        return command(session, now)

    return run(judged, entities=entities, is_hot=is_hot)


def current_entity() -> int | None:
    """Return the entity a person works in: the one switched to, else their first; None for who has none."""
    entities = principal().entities()
    chosen = session.get(ENTITY_KEY)
    return chosen if chosen in entities else (entities[0] if entities else None)


def switch_to(entity_id: int) -> None:
    """Let a person work in another entity from now on; NotFound for one out of their reach."""
    if entity_id not in principal().entities():
        raise problems.NotFound("no such entity")
    session[ENTITY_KEY] = entity_id


def _door() -> Door:
    state = access()
    if state.doors is None:
        require_declarations(current_app._get_current_object())  # type: ignore[attr-defined]  # the app behind the proxy
    assert state.doors is not None  # noqa: S101 - the line above filled it or raised
    method = "GET" if request.method == "HEAD" else request.method
    door = state.doors.get((str(request.endpoint), method))
    if door is None:
        abort(404)  # added after the start, so never checked
    return door


def _bearer(header: str) -> Principal:
    if not header:
        raise problems.Unauthenticated("send the header Authorization: Bearer <token>")
    secret = header[len(BEARER) :] if header[: len(BEARER)].lower() == BEARER else ""
    if not is_token(secret):
        raise problems.Unauthenticated("that is not a token of this site")
    found = known_by(digest_of(secret), by_digest)
    if found is None:
        raise problems.Unauthenticated("this token is unknown, expired or revoked")
    return found


def _scope(door: Door, permission: str, known: Principal) -> tuple[int, ...]:
    if door.is_api:
        held = known.entities(permission)
    else:
        entity_id = current_entity()
        held = (entity_id,) if entity_id is not None and known.may(permission, entity_id) else ()
    if not held and not known.may_in_group(permission):
        where = known.entity_id if door.is_api else current_entity()
        if door.addon is not None and where is not None and not _enabled(door.addon, (where,)):
            raise problems.NotFound(f"{door.addon} is not enabled here")
        raise problems.Forbidden(f"this needs the permission {permission}", permission=permission)
    g.onhand_held = held
    if door.addon is None:
        return held
    enabled = _enabled(door.addon, held)
    if not enabled:
        raise problems.NotFound(f"{door.addon} is not enabled here")
    return enabled


def _enabled(noun: str, held: tuple[int, ...]) -> tuple[int, ...]:
    addons: Addons = current_app.extensions["onhand"]
    clock = access().clock
    enabled = addons.entities_with(noun, held, clock.now(), draining=True)
    if held and not enabled:
        # Perhaps it was switched on a moment ago, elsewhere: any transaction brings what is known up to date.
        run(lambda _, now: clock.heard(now), entities=())
        enabled = addons.entities_with(noun, held, clock.now(), draining=True)
        if not enabled and addons.is_idle(noun, clock.now()):
            raise problems.Unavailable(f"{noun} does not run just now; the page Apps says why", retry_after=60)
    return enabled


def _to_login() -> ResponseReturnValue:
    target = url_for("shell.login", next=request.full_path.rstrip("?") if request.method == "GET" else None)
    if "HX-Request" in request.headers:
        return "", 204, {"HX-Redirect": target}
    return redirect(target, 303)
