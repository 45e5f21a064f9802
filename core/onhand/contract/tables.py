"""Tables: each says who may see its rows, lives in its own schema, and leans only on what is required."""

from collections.abc import Collection, Iterable, Iterator
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from sqlalchemy import Table
from sqlalchemy.orm import Mapper

from onhand.db import Base

__all__ = ["declared_tables", "references", "relationships", "scopes"]

SCOPES = ("entity", "group", "system")


def declared_tables(package: str) -> list[Table]:
    """Return the tables whose models are written in a package."""
    if find_spec(f"{package}.models"):
        import_module(f"{package}.models")  # verbs that speak SQL need not have done so
    found = {
        mapper.local_table
        for mapper in Base.registry.mappers
        if f"{mapper.class_.__module__}.".startswith(f"{package}.") and isinstance(mapper.local_table, Table)
    }
    return sorted(found, key=lambda table: table.name)


def scopes(schema: str, tables: Iterable[Table]) -> Iterator[str]:
    """Yield what is wrong with where tables live and what they say of their rows."""
    for table in tables:
        scope = table.info.get("scope")
        if table.schema != schema:
            yield f"{table.fullname} lies outside of its add-on's schema {schema}"
        if scope not in SCOPES:
            yield f"{table.fullname} does not say whose rows it has: scope is one of {', '.join(SCOPES)}"
        if scope == "entity" and "entity_id" not in table.columns:
            yield f"{table.fullname} has the rows of entities, but no entity_id"
        if scope == "entity" and "entity_id" in table.columns and table.columns["entity_id"].nullable:
            yield f"{table.fullname}.entity_id may be null: such a row would be behind no wall"


def references(tables: Iterable[Table], nouns: Collection[str]) -> Iterator[str]:
    """Yield foreign keys to tables of add-ons that are not required: they could not be made without them."""
    for table in tables:
        for key in sorted(each.target_fullname for each in table.foreign_keys):
            schema = key.partition(".")[0]
            if schema != table.schema and schema not in nouns:
                yield f"{table.fullname} refers to {key}, but {schema} is not required"


def relationships(package: str, mappers: Iterable[Mapper[Any]]) -> Iterator[str]:
    """Yield relationships to models of others: across add-ons there are foreign keys, never objects."""
    for mapper in mappers:
        if f"{mapper.class_.__module__}.".startswith(f"{package}."):
            for relation in mapper.relationships:
                other = relation.mapper.class_
                if not f"{other.__module__}.".startswith(f"{package}."):
                    yield f"{mapper.class_.__name__}.{relation.key} leads to {other.__name__} of {other.__module__}"
