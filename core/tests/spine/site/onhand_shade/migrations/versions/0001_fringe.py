from alembic import op
from onhand.migrate import grant, isolate

revision = "shade_0001"
down_revision = None


def upgrade():
    op.execute("""
        CREATE TABLE shade.fringe (
          light_id bigint PRIMARY KEY REFERENCES lamp.light (id),
          entity_id integer NOT NULL REFERENCES onhand.entity (id)
        )
    """)
    isolate("shade.fringe")
    grant("shade.fringe", "SELECT, INSERT")


def downgrade():
    op.execute("DROP TABLE shade.fringe")
