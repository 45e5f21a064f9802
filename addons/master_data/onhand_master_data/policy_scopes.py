"""How items, categories and locations are looked up where a policy is set for one of them."""

from collections.abc import Collection, Iterable
from typing import Any

from onhand.contributions import PolicyPart, PolicyScope
from onhand.db import cursor
from onhand.transaction import context
from sqlalchemy.orm import Session

__all__ = ["POLICY_SCOPES"]

CHOICES_MAX = 500
ITEM = "SELECT id, sku, name, NULL::int FROM master_data.item"
CATEGORY = "SELECT id, code, name, NULL::int FROM master_data.category"
LOCATION = "SELECT id, code, name, entity_id FROM master_data.location"


def _items_by_code(session: Session, codes: Collection[str]) -> dict[str, PolicyPart]:
    return _by_code(session, f"{ITEM} WHERE sku = ANY(%s)", (list(codes),))


def _items_by_id(session: Session, ids: Collection[int]) -> dict[int, PolicyPart]:
    return _by_id(session, f"{ITEM} WHERE id = ANY(%s)", (list(ids),))


def _categories_by_code(session: Session, codes: Collection[str]) -> dict[str, PolicyPart]:
    return _by_code(session, f"{CATEGORY} WHERE code = ANY(%s)", (list(codes),))


def _categories_by_id(session: Session, ids: Collection[int]) -> dict[int, PolicyPart]:
    return _by_id(session, f"{CATEGORY} WHERE id = ANY(%s)", (list(ids),))


def _locations_by_code(session: Session, codes: Collection[str]) -> dict[str, PolicyPart]:
    return _by_code(session, f"{LOCATION} WHERE code = ANY(%s) AND entity_id = ANY(%s)", (list(codes), _scope(session)))


def _locations_by_id(session: Session, ids: Collection[int]) -> dict[int, PolicyPart]:
    return _by_id(session, f"{LOCATION} WHERE id = ANY(%s) AND entity_id = ANY(%s)", (list(ids), _scope(session)))


def _no_choices(session: Session, entity_id: int) -> list[PolicyPart]:  # noqa: ARG001 - a hook's shape
    """Items are too many to list: a form takes their code."""
    return []


def _categories(session: Session, entity_id: int) -> list[PolicyPart]:  # noqa: ARG001 - categories are the group's
    return list(_parts(session, f"{CATEGORY} ORDER BY name, code LIMIT {CHOICES_MAX}", ()))


def _locations(session: Session, entity_id: int) -> list[PolicyPart]:
    sql = f"{LOCATION} WHERE active AND entity_id = %s AND entity_id = ANY(%s) ORDER BY name, code LIMIT {CHOICES_MAX}"
    return list(_parts(session, sql, (entity_id, _scope(session))))


def _by_code(session: Session, sql: str, values: tuple[Any, ...]) -> dict[str, PolicyPart]:
    return {part.code: part for part in _parts(session, sql, values)}


def _by_id(session: Session, sql: str, values: tuple[Any, ...]) -> dict[int, PolicyPart]:
    return {part.id: part for part in _parts(session, sql, values)}


def _parts(session: Session, sql: str, values: tuple[Any, ...]) -> Iterable[PolicyPart]:
    return [PolicyPart(*row) for row in cursor(session).execute(sql, values).fetchall()]


def _scope(session: Session) -> list[int]:
    return list(context(session).entities)


POLICY_SCOPES = (
    PolicyScope("item", "Item (SKU)", _items_by_code, _items_by_id, _no_choices),
    PolicyScope("category", "Category", _categories_by_code, _categories_by_id, _categories),
    PolicyScope("location", "Location", _locations_by_code, _locations_by_id, _locations),
)
