from alembic import op
from onhand.migrate import grant, isolate

revision = "probe_0001"
down_revision = None


def upgrade():
    op.execute("""
        CREATE TABLE probe.trace (
          id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
          entity_id integer NOT NULL REFERENCES onhand.entity (id),
          observer text NOT NULL,
          number integer NOT NULL,
          process integer NOT NULL,
          recorded_at timestamptz NOT NULL DEFAULT clock_timestamp()
        )
    """)
    isolate("probe.trace")
    grant("probe.trace", "SELECT, INSERT")


def downgrade():
    op.execute("DROP TABLE probe.trace")
