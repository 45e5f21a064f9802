"""What access keeps per application: the permissions there are, the doors, the clock at the door."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from flask import Flask, current_app

from onhand.access.clock import DoorClock
from onhand.access.doors import Door, doors_of
from onhand.contributions import Permission

__all__ = ["EXTENSION", "Access", "access", "access_of", "declared_permissions", "doors", "require_declarations"]

EXTENSION = "onhand_access"


@dataclass(slots=True)
class Access:
    """The access rules of one application."""

    permissions: Mapping[str, Permission]
    clock: DoorClock = field(default_factory=DoorClock)
    doors: dict[tuple[str, str], Door] | None = None


def access() -> Access:
    """Return the access rules of the current application."""
    return access_of(current_app)


def access_of(app: Flask) -> Access:
    """Return the access rules of an application."""
    state: Access = app.extensions[EXTENSION]
    return state


def declared_permissions() -> Mapping[str, Permission]:
    """Return every permission there is, the core's and the add-ons', by name."""
    return access().permissions


def doors(app: Flask) -> Mapping[tuple[str, str], Door]:
    """Return every (endpoint, method) with who may pass, once `require_declarations` has checked them."""
    state: Access = app.extensions[EXTENSION]
    return state.doors or {}


def require_declarations(app: Flask) -> None:
    """Check, once all is mounted, that every route declares who may pass; raise UndeclaredRoute otherwise.

    A permission that a route requires must be contributed by someone, or nobody could ever hold it.
    """
    state: Access = app.extensions[EXTENSION]
    doors = doors_of(app)
    wanted = {door.permission for door in doors.values() if door.permission}
    if unknown := sorted(wanted - set(state.permissions)):
        raise LookupError(f"routes require permissions that no add-on contributes: {', '.join(unknown)}")
    state.doors = doors
