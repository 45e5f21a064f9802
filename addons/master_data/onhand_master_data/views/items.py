"""REST: `/api/v1/items`."""
# mypy: disable-error-code="untyped-decorator"

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask import request, url_for
from flask.views import MethodView
from flask_smorest import Blueprint
from onhand.access import actor, in_scope, requires, scope
from onhand.rest import page
from sqlalchemy.orm import Session

from onhand_master_data import importers, queries, schemas, services
from onhand_master_data.listings import ITEM_ORDER, ItemFilter, items_listed
from onhand_master_data.services import Distinct, Requested, Terms
from onhand_master_data.values import Barcode, Item, ItemChange, ItemDraft, ItemMerge, Pack
from onhand_master_data.views.asking import (
    answered,
    attempt_import,
    change,
    demand_whole_entities,
    known_item,
    reported,
    taken_apart,
)

__all__ = ["items_api"]

items_api = Blueprint("master_data_api_items", __name__, url_prefix="/items", description="What is stocked")


@items_api.route("")
class Items(MethodView):
    """The group's items."""

    @requires("master_data.read")
    @items_api.arguments(schemas.ItemQuerySchema, location="query")
    @items_api.response(200, schemas.ItemListSchema)
    def get(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """List items by SKU: those that the token's entities stock, or the whole group's."""

        def command(session: Session, _: datetime) -> dict[str, Any]:
            narrowed = ItemFilter(wanted.get("q"), wanted.get("category"), wanted.get("active"))
            query = items_listed(narrowed, None if wanted["stocked"] == "group" else scope())
            found = page(session, query, ITEM_ORDER, wanted.get("cursor"), wanted["limit"])
            whole = queries.items_by_id(session, [row.id for row in found["items"]])
            return {"items": [whole[row.id] for row in found["items"]], "next": found["next"]}

        return in_scope(command)

    @requires("master_data.edit")
    @items_api.arguments(schemas.ItemSchema)
    @items_api.response(201, schemas.ItemSchema)
    def post(self, given: dict[str, Any]) -> tuple[Item, int, dict[str, str]]:
        """Create an item; 409 when its SKU or a GTIN is taken."""
        demand_whole_entities()
        draft = ItemDraft(**_parts(given))
        [item] = change(lambda session, now: services.create_items(session, [draft], by=actor(), now=now))
        return item, 201, {"Location": url_for("master_data_api_items.OneItem", sku=item.sku)}


@items_api.route("/<sku>")
class OneItem(MethodView):
    """One item."""

    @requires("master_data.read")
    @items_api.response(200, schemas.ItemSchema)
    def get(self, sku: str) -> Item:
        """Return an item of the group."""
        return in_scope(lambda session, _: known_item(session, sku))

    @requires("master_data.edit")
    @items_api.arguments(schemas.ItemPatchSchema)
    @items_api.response(200, schemas.ItemSchema)
    @items_api.alt_response(202, schema=schemas.AskedForSchema)
    def patch(self, given: dict[str, Any], sku: str) -> Any:
        """Change an item. Lists replace what was there; entities beyond the token's stay as they are.

        What is in use, or has a day, becomes a change request: 202 where it waits for consent or for its day.
        """
        demand_whole_entities()
        wish, terms = taken_apart(given)
        if "sku" in wish:
            wish["new_sku"] = wish.pop("sku")

        def command(session: Session, now: datetime) -> Item | Requested:
            known = known_item(session, sku)
            rows = [ItemChange(sku, **_parts(wish))]
            changed = services.change_items(session, rows, terms=terms, by=actor(), now=now)
            return changed.waiting or queries.items_by_id(session, [known.id])[known.id]

        return answered(change(command))


@items_api.route("/<sku>/merge", methods=["POST"])
@requires("master_data.edit")
@items_api.arguments(schemas.MergeSchema)
@items_api.response(200, schemas.MergedSchema)
@items_api.alt_response(202, schema=schemas.AskedForSchema)
def merge_item(given: dict[str, Any], sku: str) -> Any:
    """Merge an item into its `survivor`: 202 where that waits for consent or its day; `dry_run` only shows what changes.

    422 while anything of the item is in stock or open: nothing is moved.
    """
    demand_whole_entities()
    merges = [ItemMerge(sku, given["survivor"], given["stock_survivor"])]

    def command(session: Session, now: datetime) -> Any:
        known_item(session, sku)
        changes = services.preview_merge(session, merges, now=now)
        if not given["dry_run"]:
            terms = Terms(given["effective_at"], given["note"])
            waiting = services.merge_items(session, merges, terms=terms, by=actor(), now=now).waiting
            if waiting is not None:
                return waiting
        return {"changes": changes, "dry_run": given["dry_run"]}

    return answered(change(command))


@items_api.route("/<sku>/distinct", methods=["POST"])
@requires("master_data.edit")
@items_api.arguments(schemas.DistinctSchema)
@items_api.response(204)
def distinct_item(given: dict[str, Any], sku: str) -> None:
    """Remember that an item is no duplicate of the `other`: the two are not proposed again."""
    demand_whole_entities()
    pair = Distinct(sku, given["other"], given["note"])

    def command(session: Session, now: datetime) -> None:
        known_item(session, sku)
        services.tell_apart(session, [pair], by=actor(), now=now)

    change(command)


@items_api.route("/import", methods=["POST"])
@requires("master_data.edit")
@items_api.arguments(schemas.ImportQuerySchema, location="query")
@items_api.response(200, schemas.ImportReportSchema)
def import_items(asked: Mapping[str, bool]) -> dict[str, Any]:
    """Create and change items from a CSV file, the body: all of its rows or none. 422 names row and column."""
    demand_whole_entities()
    report = attempt_import(importers.ITEMS, request.get_data(), dry_run=asked["dry_run"])
    return {**reported(report), **asked}


def _parts(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields with their parts as this add-on's own values."""
    parts = dict(given)
    if "packs" in parts:
        parts["packs"] = tuple(Pack(**pack) for pack in parts["packs"])
    if "barcodes" in parts:
        parts["barcodes"] = tuple(Barcode(**barcode) for barcode in parts["barcodes"])
    if "entities" in parts:
        parts["entities"] = tuple(parts["entities"])
    return parts
