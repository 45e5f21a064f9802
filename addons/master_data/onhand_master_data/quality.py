"""Reads of data quality: findings for keyset pages, and who owns which field."""

from collections.abc import Sequence
from typing import Any

from onhand.approvals.models import ApprovalRule
from onhand.transaction import context
from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import Session

from onhand_master_data.models import Finding, Item

__all__ = ["FAIR", "FIELDS", "FINDING_ORDER", "GOOD", "findings_listed", "owners"]

GOOD, FAIR = 95, 80
"""From which score on an item master is good, and from which at least fair."""
FINDING_ORDER: Sequence[ColumnElement[Any]] = (Item.__table__.c.sku, Finding.__table__.c.rule)
FIELDS = {
    "item": ("SKU", "Name", "Category", "Active"),
    "pack": ("Packs: what one of a unit holds",),
    "barcode": ("GTIN",),
    "location": ("Name", "Kind", "GLN", "Time zone", "Active"),
    "unit": ("Name",),
}
"""The fields of each class of data. Who stocks an item is each entity's own."""


def findings_listed(entity_id: int, rule: str | None = None, text: str | None = None) -> Select[Any]:
    """Return what is wrong with the items of an entity."""
    columns: list[Any] = [
        Item.sku,
        Item.name,
        Finding.rule,
        Finding.field,
        Finding.message,
        Finding.points,
        Finding.found_at,
    ]
    query: Select[Any] = select(*columns).join(Item, Item.id == Finding.item_id).where(Finding.entity_id == entity_id)
    if rule:
        query = query.where(Finding.rule == rule)
    if text:
        query = query.where(Item.sku.istartswith(text, autoescape=True) | Item.name.icontains(text, autoescape=True))
    return query


def owners(session: Session, entity_id: int | None) -> dict[str, tuple[list[str], str]]:
    """Return the roles that must agree to a change of each class of data, in their order, and whose rule says so.

    `entity`, `group`, or `shipped` where nobody has set a rule. Without an entity: for what concerns several of them.
    """
    kinds = {kind.name: kind for kind in context(session).addons.gather("approval_kinds")}
    rules = session.scalars(
        select(ApprovalRule)
        .where(ApprovalRule.kind.startswith("master_data."), ApprovalRule.retired_at.is_(None))
        .where(ApprovalRule.location_id.is_(None))
        .order_by(ApprovalRule.tier, ApprovalRule.role)
    ).all()
    found: dict[str, tuple[list[str], str]] = {}
    for name in FIELDS:
        kind = f"master_data.{name}"
        of_entity = [rule.role for rule in rules if rule.kind == kind and rule.entity_id == entity_id]
        of_group = [rule.role for rule in rules if rule.kind == kind and rule.entity_id is None]
        if of_entity and entity_id is not None:
            found[name] = (list(dict.fromkeys(of_entity)), "entity")
        elif of_group:
            found[name] = (list(dict.fromkeys(of_group)), "group")
        else:
            found[name] = ([tier.role for tier in kinds[kind].tiers], "shipped")
    return found
