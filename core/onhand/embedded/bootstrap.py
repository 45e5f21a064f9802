"""The owner and the database, which the migrations then fill."""

from __future__ import annotations

import psycopg
from psycopg import sql

from onhand.embedded.addresses import DATABASE, OWNER, SUPERUSER, Addresses


def bootstrap(addresses: Addresses) -> None:
    """Make the role that migrates and its database, where missing. Twice is harmless."""
    owner, database = sql.Identifier(OWNER), sql.Identifier(DATABASE)
    with psycopg.connect(addresses.libpq(SUPERUSER, "postgres"), autocommit=True) as connection:
        roles = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (OWNER,))
        if roles.fetchone() is None:
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEROLE").format(owner))
        databases = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,))
        if databases.fetchone() is None:
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(database, owner))
