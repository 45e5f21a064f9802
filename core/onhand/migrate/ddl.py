"""What revisions say again and again: who may touch a table, and the wall between entities."""

from alembic import op

__all__ = ["APP_ROLE", "ENTITY_WALL", "grant", "isolate", "make_role", "writer_role"]

APP_ROLE = "onhand_app"
ENTITY_WALL = "entity_id = ANY((SELECT nullif(current_setting('onhand.entities', true), '')::int[])::int[])"


def isolate(table: str) -> None:
    """Force row-level security on a table with `entity_id`: its rows exist only inside the transaction's scope.

    The setting is read once per statement (an init-plan), so the wall costs nothing measurable; without it set, no row
    is seen and none can be written.
    """
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY entity_wall ON {table} USING ({ENTITY_WALL}) WITH CHECK ({ENTITY_WALL})")


def grant(table: str, privileges: str, *, to: str = APP_ROLE) -> None:
    """Grant privileges on a table, `SELECT, INSERT, UPDATE (name)` say. Nothing is ever granted on partitions."""
    op.execute(f"GRANT {privileges} ON {table} TO {to}")


def writer_role(role: str, schema: str) -> None:
    """Make a role that alone may write certain tables; the app may switch to it but does not inherit from it."""
    op.execute(make_role(role, "NOLOGIN NOINHERIT"))
    version = op.get_bind().dialect.server_version_info or ()
    options = " WITH INHERIT FALSE, SET TRUE" if tuple(map(int, version)) >= (16,) else ""
    op.execute(f"GRANT {role} TO {APP_ROLE}{options}")
    op.execute(f"GRANT USAGE ON SCHEMA {schema} TO {role}")


def make_role(role: str, options: str) -> str:
    """Return SQL that makes a role where there is none. Roles are shared by all databases, so another may be faster."""
    return f"""
        DO $$ BEGIN
          IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN
            CREATE ROLE {role} {options};
          END IF;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
        END $$
    """
