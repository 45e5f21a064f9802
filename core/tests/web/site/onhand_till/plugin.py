"""Till: needs shelves, and has something open."""

from onhand.contributions import Obligation, Permission, Tile
from onhand.hooks import hookimpl


@hookimpl
def permissions():
    return [Permission("till.read", "Look at tills")]


@hookimpl
def tiles(session, entity_id, now):
    return [Tile("Takings", "99", "/")]


@hookimpl
def open_obligations(session, entity_id, now):
    return [Obligation("drawer", 2, "drawers", "/")]
