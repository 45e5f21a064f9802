"""Migrations: one history, one version table and one PostgreSQL schema per distribution."""

from onhand.migrate.ddl import grant, isolate, writer_role
from onhand.migrate.runner import MigrationRefused, Step, downgrade, heads_missing, upgrade

__all__ = [
    "MigrationRefused",
    "Step",
    "downgrade",
    "grant",
    "heads_missing",
    "isolate",
    "upgrade",
    "writer_role",
]
