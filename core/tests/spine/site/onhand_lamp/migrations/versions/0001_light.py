from alembic import op
from onhand.migrate import grant, isolate

revision = "lamp_0001"
down_revision = None


def upgrade():
    op.execute("""
        CREATE TABLE lamp.light (
          id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
          entity_id integer NOT NULL REFERENCES onhand.entity (id),
          name text NOT NULL UNIQUE DEFERRABLE INITIALLY DEFERRED
        );
        CREATE TABLE lamp.trace (
          id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
          entity_id integer NOT NULL REFERENCES onhand.entity (id),
          what text NOT NULL
        );
        CREATE TABLE lamp.colour (code text PRIMARY KEY, label text NOT NULL);
    """)
    for table in ("lamp.light", "lamp.trace"):
        isolate(table)
        grant(table, "SELECT, INSERT, UPDATE, DELETE")
    grant("lamp.colour", "SELECT")


def downgrade():
    op.execute("DROP TABLE lamp.light, lamp.trace, lamp.colour")
