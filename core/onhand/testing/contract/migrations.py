"""Migrations: they make what the models say, come back the same after down and up, and leave nothing behind."""

from collections.abc import Sequence

from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from onhand.addons import Addon
from onhand.contract.tables import declared_tables
from onhand.db import Base
from onhand.embedded import Addresses
from onhand.migrate import downgrade, heads_missing, upgrade
from onhand.testing.catalogue import SHAPE, Catalogue, catalogue, differences
from onhand.testing.database import Database

__all__ = ["leftovers", "modelled", "return_faults", "shape_faults"]


def modelled(addresses: Addresses, packages: Sequence[str], schema: str) -> Catalogue:
    """Return what a schema looks like when its tables are made from the models of these packages, requirements first.

    Nothing of it stays: it is made in a transaction that is undone.
    """
    tables = [table for package in packages for table in declared_tables(package)]
    engine = create_engine(addresses.superuser_url, poolclass=NullPool)
    with engine.connect() as connection, connection.begin() as transaction:
        for name in sorted({table.schema for table in tables if table.schema}):
            connection.execute(text(f"CREATE SCHEMA {name}"))
        Base.metadata.create_all(connection, tables)
        cursor = connection.connection.cursor()
        found = catalogue(lambda sql, *values: list(cursor.execute(sql, values)), [schema], kinds=SHAPE)
        transaction.rollback()
    engine.dispose()
    return found


def shape_faults(migrated: Database, models: Catalogue, schema: str) -> list[str]:
    """Return where the columns, constraints and indexes of the migrations are not those of the models."""
    found = catalogue(migrated.superuser, [schema], kinds=SHAPE)
    made = {name: definition for name, definition in found.items() if ".alembic_version" not in name}
    return differences(made, models, one="migrations make", other="models say")


def return_faults(database: Database, addons: Sequence[Addon], noun: str) -> list[str]:
    """Return what is different after down and up again, and what a second up would still do."""
    before = catalogue(database.superuser)
    downgrade(database.owner_url, addons, noun, with_dependants=True)
    upgrade(database.owner_url, addons)
    faults = differences(before, catalogue(database.superuser), one="at first", other="after down and up")
    engine = create_engine(database.owner_url, poolclass=NullPool)
    with engine.connect() as connection:
        faults += [f"{step.noun} is not up to date after up" for step in heads_missing(connection, addons)]
    engine.dispose()
    return faults


def leftovers(database: Database, addons: Sequence[Addon], noun: str, without: Catalogue) -> list[str]:
    """Take an add-on's tables down, and return what is not as in a database that never had them."""
    downgrade(database.owner_url, addons, noun, with_dependants=True)
    return differences(without, catalogue(database.superuser), one="without it", other="after its end")
