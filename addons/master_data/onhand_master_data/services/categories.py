"""Verbs over the group's category tree."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from onhand.actors import Actor
from onhand.audit import record
from onhand.db import cursor
from onhand.transaction import context
from sqlalchemy.orm import Session

from onhand_master_data import queries
from onhand_master_data.refusals import FieldError, Refused
from onhand_master_data.rules import bad_code, bad_name
from onhand_master_data.services.authorities import demand_authority
from onhand_master_data.services.columns import columns
from onhand_master_data.services.version import take_turn
from onhand_master_data.values import Category

__all__ = ["create_categories", "save_categories"]


def create_categories(session: Session, categories: Sequence[Category], *, by: Actor, now: datetime) -> list[Category]:
    """Create categories, all or none: Refused names every field at fault. A code that exists is a conflict."""
    take_turn(session)
    known = queries.categories(session)
    clashes = [
        FieldError(index, "code", "there is such a category already", category.code, conflict=True)
        for index, category in enumerate(categories)
        if category.code in known
    ]
    if clashes:
        raise Refused(clashes)
    return save_categories(session, categories, by=by, now=now)


def save_categories(
    session: Session,
    categories: Sequence[Category],
    *,
    by: Actor,
    now: datetime,
) -> list[Category]:
    """Create each category or change what its code names, all or none; a parent may stand anywhere in the list."""
    if not categories:
        return []
    take_turn(session)
    known = queries.categories(session)
    after = known | {category.code: category for category in categories}
    errors = list(_faults(categories, after))
    if errors:
        raise Refused(errors)
    changed = [category for category in categories if known.get(category.code) != category]
    concerned = dict.fromkeys(context(session).entities, f"category {changed[0].code}") if changed else {}
    demand_authority(session, "item_master", concerned, by=by, now=now)
    _write(session, changed)
    for category in changed:
        before = known.get(category.code)
        action = "category.change" if before else "category.create"
        record(session, by, action, f"category:{category.code}", _facts(before), _facts(category))
    return list(categories)


def _facts(category: Category | None) -> dict[str, object] | None:
    return {"name": category.name, "parent": category.parent} if category else None


def _faults(categories: Sequence[Category], after: Mapping[str, Category]) -> Iterator[FieldError]:
    counts = Counter(category.code for category in categories)
    for index, category in enumerate(categories):
        if fault := bad_code(category.code):
            yield FieldError(index, "code", fault, category.code)
        if counts[category.code] > 1:
            yield FieldError(index, "code", "given more than once here", category.code)
        if fault := bad_name(category.name):
            yield FieldError(index, "name", fault, category.name)
        if category.parent is not None and category.parent not in after:
            yield FieldError(index, "parent", "there is no such category", category.parent)
        elif _is_own_ancestor(category, after):
            yield FieldError(index, "parent", "a category cannot lie below itself", category.parent or "")


def _is_own_ancestor(category: Category, after: Mapping[str, Category]) -> bool:
    seen: set[str] = set()
    parent = category.parent
    while parent is not None and parent in after and parent not in seen:
        if parent == category.code:
            return True
        seen.add(parent)
        parent = after[parent].parent
    return False


def _write(session: Session, categories: Sequence[Category]) -> None:
    """Two statements, since a parent may be made by the first."""
    rows = [(category.code, category.name, category.parent) for category in categories]
    if not rows:
        return
    cursor(session).execute(
        "INSERT INTO master_data.category (code, name)"
        " SELECT d.code, d.name FROM unnest(%s::text[], %s::text[]) AS d (code, name)"
        " ON CONFLICT (code) DO UPDATE SET name = excluded.name",
        columns([row[:2] for row in rows], 2),
    )
    cursor(session).execute(
        "UPDATE master_data.category c SET parent_id = p.id"
        " FROM unnest(%s::text[], %s::text[], %s::text[]) AS d (code, name, parent)"
        " LEFT JOIN master_data.category p ON p.code = d.parent WHERE c.code = d.code",
        columns(rows, 3),
    )
