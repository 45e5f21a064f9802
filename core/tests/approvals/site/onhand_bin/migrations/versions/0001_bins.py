from alembic import op
from onhand.migrate import grant, isolate

revision = "bin_0001"
down_revision = None


def upgrade():
    op.execute("""
        CREATE TABLE bin.bin (
          id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
          entity_id integer NOT NULL REFERENCES onhand.entity (id),
          quantity bigint NOT NULL CHECK (quantity >= 0)
        );
        CREATE TABLE bin.change (
          id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
          entity_id integer NOT NULL REFERENCES onhand.entity (id),
          bin_id bigint NOT NULL,
          approval_id uuid NOT NULL,
          delta bigint NOT NULL
        );
    """)
    for table in ("bin.bin", "bin.change"):
        isolate(table)
        grant(table, "SELECT, INSERT, UPDATE")


def downgrade():
    op.execute("DROP TABLE bin.bin, bin.change")
