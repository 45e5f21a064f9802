"""Exceptions filed under each kind of their evidence, in the order of lists: so that a filter on a rare kind reads a page."""

from alembic import op
from onhand.migrate import grant, isolate

revision = "exceptions_0011"
down_revision = "exceptions_0010"

ORDERED = "{0}.status, {0}.for_review, {0}.severity, {0}.first_seen_at, {0}.resolved_at"
FILE = f"""
INSERT INTO exceptions.filed AS f (exception_id, kind, entity_id, status, for_review, severity, first_seen_at, resolved_at)
SELECT n.id, k.kind, n.entity_id, {ORDERED.format("n")} FROM {{0}}, unnest(n.kinds) AS k(kind) {{1}}
"""
EVERYWHERE = """
SELECT set_config('onhand.entities', (SELECT '{' || coalesce(string_agg(id::text, ','), '') || '}' FROM onhand.entity), true)
"""


def upgrade() -> None:
    op.execute("""
        CREATE TABLE exceptions.filed (
          exception_id uuid NOT NULL CONSTRAINT filed_exception_id_fkey REFERENCES exceptions.exception (id),
          kind text NOT NULL,
          entity_id integer NOT NULL,
          status text NOT NULL,
          for_review boolean NOT NULL,
          severity smallint NOT NULL,
          first_seen_at timestamptz NOT NULL,
          resolved_at timestamptz,
          CONSTRAINT filed_pkey PRIMARY KEY (exception_id, kind)
        )
    """)
    isolate("exceptions.filed")
    grant(
        "exceptions.filed", "SELECT, INSERT, UPDATE (status, for_review, severity, first_seen_at, resolved_at), DELETE"
    )
    op.execute(f"""
        CREATE FUNCTION exceptions.file_kinds() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          IF TG_OP = 'UPDATE' THEN
            DELETE FROM exceptions.filed AS f USING was AS w JOIN becomes AS n USING (id)
            WHERE f.exception_id = n.id AND w.kinds <> n.kinds AND f.kind <> ALL (n.kinds);
            {FILE.format("was AS w JOIN becomes AS n USING (id)", f"WHERE (w.kinds, {ORDERED.format('w')}) IS DISTINCT FROM (n.kinds, {ORDERED.format('n')})")}
            ON CONFLICT (exception_id, kind) DO UPDATE SET status = excluded.status, for_review = excluded.for_review,
              severity = excluded.severity, first_seen_at = excluded.first_seen_at, resolved_at = excluded.resolved_at
            WHERE ({ORDERED.format("f")}) IS DISTINCT FROM ({ORDERED.format("excluded")});
          ELSE
            {FILE.format("becomes AS n", "")} ON CONFLICT DO NOTHING;
          END IF;
          RETURN NULL;
        END $$
    """)
    op.execute(EVERYWHERE)
    op.execute(FILE.format("exceptions.exception AS n", ""))
    op.execute("""
        CREATE INDEX filed_open_idx ON exceptions.filed (entity_id, kind, severity DESC, first_seen_at, exception_id)
          WHERE status = 'open';
        CREATE INDEX filed_review_idx ON exceptions.filed (entity_id, kind, severity DESC, first_seen_at, exception_id)
          WHERE for_review;
        CREATE INDEX filed_resolved_idx ON exceptions.filed (entity_id, kind, resolved_at DESC, exception_id DESC)
          WHERE status = 'resolved';
        CREATE TRIGGER file_kinds_of_new AFTER INSERT ON exceptions.exception
          REFERENCING NEW TABLE AS becomes FOR EACH STATEMENT EXECUTE FUNCTION exceptions.file_kinds();
        CREATE TRIGGER file_kinds AFTER UPDATE ON exceptions.exception
          REFERENCING OLD TABLE AS was NEW TABLE AS becomes FOR EACH STATEMENT EXECUTE FUNCTION exceptions.file_kinds()
    """)


def downgrade() -> None:
    op.execute("""
        DROP TRIGGER file_kinds ON exceptions.exception;
        DROP TRIGGER file_kinds_of_new ON exceptions.exception;
        DROP FUNCTION exceptions.file_kinds();
        DROP TABLE exceptions.filed
    """)
