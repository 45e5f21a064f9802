"""Alembic's entry point; a site's own `migrations/env.py` has the same two lines."""

from onhand.migrate.environment import run

run()
