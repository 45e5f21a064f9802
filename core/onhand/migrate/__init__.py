"""Migrations: one history, one version table and one PostgreSQL schema per distribution."""

from onhand.migrate.ddl import grant, isolate, writer_role
from onhand.migrate.runner import (
    CORE,
    AddonsNotMigrated,
    MigrationRefused,
    Step,
    downgrade,
    drop,
    heads_missing,
    revisions_at,
    step_from,
    step_of,
    upgrade,
)

__all__ = [
    "CORE",
    "AddonsNotMigrated",
    "MigrationRefused",
    "Step",
    "downgrade",
    "drop",
    "grant",
    "heads_missing",
    "isolate",
    "revisions_at",
    "step_from",
    "step_of",
    "upgrade",
    "writer_role",
]
