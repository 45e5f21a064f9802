"""Exceptions filed with where they are and whose: so that a filter on kind and location, or kind and owner, reads a page."""

from alembic import op
from onhand.migrate import grant

revision = "exceptions_0012"
down_revision = "exceptions_0011"

BEFORE = ("status", "for_review", "severity", "first_seen_at", "resolved_at")
BOTH = (*BEFORE, "location", "owner_user_id")
EVERYWHERE = """
SELECT set_config('onhand.entities', (SELECT '{' || coalesce(string_agg(id::text, ','), '') || '}' FROM onhand.entity), true)
"""
OPEN = "severity DESC, first_seen_at, exception_id"
INDEXES = (
    ("filed_open_location_idx", f"location, {OPEN}", "status = 'open'"),
    ("filed_open_owner_idx", f"owner_user_id, {OPEN}", "status = 'open'"),
    ("filed_review_location_idx", f"location, {OPEN}", "for_review"),
    ("filed_resolved_location_idx", "location, resolved_at DESC, exception_id DESC", "status = 'resolved'"),
)


def _of(columns: tuple[str, ...], table: str) -> str:
    return ", ".join(f"{table}.{column}" for column in columns)


def _file_kinds(columns: tuple[str, ...]) -> None:
    into = f"""
      INSERT INTO exceptions.filed AS f (exception_id, kind, entity_id, {", ".join(columns)})
      SELECT n.id, k.kind, n.entity_id, {_of(columns, "n")} FROM {{0}}, unnest(n.kinds) AS k(kind)
    """
    op.execute(f"""
        CREATE OR REPLACE FUNCTION exceptions.file_kinds() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          IF TG_OP = 'UPDATE' THEN
            DELETE FROM exceptions.filed AS f USING was AS w JOIN becomes AS n USING (id)
            WHERE f.exception_id = n.id AND w.kinds <> n.kinds AND f.kind <> ALL (n.kinds);
            {into.format("was AS w JOIN becomes AS n USING (id)")}
            WHERE (w.kinds, {_of(columns, "w")}) IS DISTINCT FROM (n.kinds, {_of(columns, "n")})
            ON CONFLICT (exception_id, kind) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in columns)}
            WHERE ({_of(columns, "f")}) IS DISTINCT FROM ({_of(columns, "excluded")});
          ELSE
            {into.format("becomes AS n")} ON CONFLICT DO NOTHING;
          END IF;
          RETURN NULL;
        END $$
    """)


def upgrade() -> None:
    op.execute("ALTER TABLE exceptions.filed ADD COLUMN location text, ADD COLUMN owner_user_id integer")
    grant("exceptions.filed", "UPDATE (location, owner_user_id)")
    _file_kinds(BOTH)
    op.execute(EVERYWHERE)
    op.execute("""
        UPDATE exceptions.filed AS f SET location = e.location, owner_user_id = e.owner_user_id
        FROM exceptions.exception AS e WHERE e.id = f.exception_id AND (e.location, e.owner_user_id) IS DISTINCT FROM (NULL, NULL)
    """)
    for name, columns, where in INDEXES:
        op.execute(f"CREATE INDEX {name} ON exceptions.filed (entity_id, kind, {columns}) WHERE {where}")
    op.execute("""
        DROP INDEX exceptions.exception_location_idx;
        CREATE INDEX exception_location_idx
          ON exceptions.exception (entity_id, location, severity DESC, first_seen_at, id) WHERE status = 'open'
    """)


def downgrade() -> None:
    op.execute("""
        DROP INDEX exceptions.exception_location_idx;
        CREATE INDEX exception_location_idx ON exceptions.exception (entity_id, location) WHERE status = 'open'
    """)
    _file_kinds(BEFORE)
    op.execute("ALTER TABLE exceptions.filed DROP COLUMN location, DROP COLUMN owner_user_id")
