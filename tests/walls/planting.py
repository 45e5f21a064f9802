"""A row per entity in every table that entities share, planted past every wall, and what an application does to them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import psycopg
from onhand.addons import Addon
from onhand.db import Base
from onhand.testing import Database
from psycopg import errors
from sqlalchemy import Table as SqlTable

__all__ = ["Planted", "Table", "declared_tables", "plant", "walled_tables"]

WALLED = """
SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relrowsecurity AND c.relforcerowsecurity ORDER BY 1, 2
"""
BARRIERS = """
SELECT format('ALTER TABLE %%s DROP CONSTRAINT IF EXISTS %%I CASCADE', conrelid::regclass, conname) FROM pg_constraint
WHERE conrelid = %s::regclass AND contype IN ('c', 'f', 'p', 'u', 'x') AND coninhcount = 0
"""
UNIQUE = """
SELECT format('DROP INDEX IF EXISTS %%s', indexrelid::regclass) FROM pg_index i JOIN pg_class c ON c.oid = indexrelid
WHERE indrelid = %s::regclass AND indisunique AND NOT c.relispartition
"""
NOT_NULL = """
SELECT format('ALTER TABLE %%s ALTER %%I DROP NOT NULL', attrelid::regclass, attname) FROM pg_attribute
WHERE attrelid = %s::regclass AND attnum > 0 AND attnotnull AND NOT attisdropped AND attidentity = ''
  AND attname <> 'entity_id'
"""


@dataclass(frozen=True, slots=True)
class Table:
    """A table, by its schema and name."""

    schema: str
    name: str

    def __str__(self) -> str:
        return f'{self.schema}."{self.name}"'


def declared_tables(addons: list[Addon]) -> dict[Table, str]:
    """Return every table that models declare, and whose rows it says it holds: an entity's, the group's, nobody's."""
    for package in ("onhand", *(addon.package for addon in addons)):
        import_module(f"{package}.plugin")
    tables = [mapper.local_table for mapper in Base.registry.mappers]
    return {Table(str(t.schema), t.name): t.info["scope"] for t in tables if isinstance(t, SqlTable)}


def walled_tables(database: Database) -> set[Table]:
    """Return the tables that PostgreSQL walls off, their owner's own sessions included."""
    return {Table(*row) for row in database.superuser(WALLED)}


def plant(database: Database, table: Table, entities: tuple[int, ...]) -> None:
    """Give each entity one row. What forbids planting is dropped, so the database is good for nothing else."""
    for question in (BARRIERS, UNIQUE, NOT_NULL):
        for (statement,) in database.superuser(question, str(table)):
            database.superuser(statement)
    database.superuser(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    for entity_id in entities:
        database.superuser(f"INSERT INTO {table} (entity_id) VALUES (%s)", entity_id)
    # What is tried is the wall: the application is given every right that a wall could be needed against.
    database.superuser(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO onhand_app")
    database.superuser(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {table.schema} TO onhand_app")


class Planted:
    """A planted table as the application's login finds it, within a scope or without one."""

    def __init__(self, database: Database, table: Table) -> None:
        self._database, self.table = database, table

    @contextmanager
    def _transaction(self, scope: str | None) -> Iterator[psycopg.Connection[Any]]:
        addresses = self._database.addresses
        with psycopg.connect(addresses.libpq("onhand_app", self._database.name), autocommit=False) as connection:
            if scope is not None:
                connection.execute("SELECT set_config('onhand.entities', %s, true)", (scope,))
            yield connection
            connection.rollback()

    def seen(self, scope: str | None) -> set[int | None]:
        """Return whose rows are seen."""
        with self._transaction(scope) as connection:
            return {row[0] for row in connection.execute(f"SELECT DISTINCT entity_id FROM {self.table}".encode())}

    def touched(self, scope: str | None, statement: str, *values: object) -> int | None:
        """Return how many rows a statement reaches; None when the wall refuses it."""
        with self._transaction(scope) as connection:
            try:
                return connection.execute(statement.format(self.table).encode(), values).rowcount
            except errors.InsufficientPrivilege:
                return None
