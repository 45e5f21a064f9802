"""Sources and files."""

from alembic import op
from onhand.migrate import grant, isolate

revision = "csv_drop_0001"
down_revision = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE csv_drop.source (
          id uuid CONSTRAINT source_pkey PRIMARY KEY,
          entity_id integer NOT NULL CONSTRAINT source_entity_id_fkey REFERENCES onhand.entity (id),
          name text NOT NULL CONSTRAINT source_name_check CHECK (name ~ '^[a-z0-9][a-z0-9_-]{0,39}$'),
          channel text NOT NULL,
          event_type text NOT NULL,
          location text NOT NULL,
          zone text NOT NULL,
          columns jsonb NOT NULL
        )
    """)
    op.execute("CREATE UNIQUE INDEX source_name_idx ON csv_drop.source (name)")
    op.execute("""
        CREATE TABLE csv_drop.file (
          id uuid CONSTRAINT file_pkey PRIMARY KEY,
          entity_id integer NOT NULL CONSTRAINT file_entity_id_fkey REFERENCES onhand.entity (id),
          source_id uuid NOT NULL CONSTRAINT file_source_id_fkey REFERENCES csv_drop.source (id),
          name text NOT NULL,
          digest text NOT NULL,
          left_at timestamptz NOT NULL,
          rows integer NOT NULL,
          posted integer NOT NULL,
          refused integer NOT NULL,
          outcome text NOT NULL,
          recorded_at timestamptz NOT NULL,
          recorded_by text NOT NULL,
          CONSTRAINT file_rows_check CHECK (posted >= 0 AND refused >= 0 AND rows >= posted + refused)
        )
    """)
    op.execute(
        "CREATE UNIQUE INDEX file_source_id_digest_name_left_at_idx ON csv_drop.file (source_id, digest, name, left_at)"
    )
    op.execute("CREATE INDEX file_entity_id_recorded_at_idx ON csv_drop.file (entity_id, recorded_at)")
    isolate("csv_drop.source")
    isolate("csv_drop.file")
    grant("csv_drop.source", "SELECT, INSERT, UPDATE")
    grant("csv_drop.file", "SELECT, INSERT")


def downgrade() -> None:
    op.execute("DROP TABLE csv_drop.file")
    op.execute("DROP TABLE csv_drop.source")
