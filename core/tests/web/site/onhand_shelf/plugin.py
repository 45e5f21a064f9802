"""Shelf: a small add-on with a page and a tile."""

from onhand.contributions import MenuItem, Permission, Tile
from onhand.hooks import hookimpl

from onhand_shelf import views


@hookimpl
def permissions():
    return [Permission("shelf.read", "Look at shelves")]


@hookimpl
def blueprints():
    return [views.shelf]


@hookimpl
def menu():
    return [MenuItem("Shelves", "shelf.rows", "stack-2", "shelf.read")]


@hookimpl
def tiles(session, entity_id, now):
    return [Tile("Shelves", "12", "/shelf/", hint=f"of entity {entity_id}")]
