"""How many are open per day, location and kind: what the board shows, and its trend."""

from alembic import op
from onhand.migrate import grant, isolate

revision = "exceptions_0005"
down_revision = "exceptions_0004"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE exceptions.tally (
          entity_id integer NOT NULL CONSTRAINT tally_entity_id_fkey REFERENCES onhand.entity (id),
          day date NOT NULL,
          location_id integer NOT NULL,
          kind text NOT NULL,
          location text,
          open integer NOT NULL,
          due_soon integer NOT NULL,
          overdue integer NOT NULL,
          long_overdue integer NOT NULL,
          snoozed integer NOT NULL,
          amount_minor bigint NOT NULL,
          unvalued integer NOT NULL,
          opened integer NOT NULL,
          resolved integer NOT NULL,
          oldest_at timestamptz,
          recorded_at timestamptz NOT NULL,
          CONSTRAINT tally_pkey PRIMARY KEY (entity_id, day, location_id, kind)
        );
        CREATE INDEX exception_opened_idx ON exceptions.exception (entity_id, opened_at)
    """)
    isolate("exceptions.tally")
    grant("exceptions.tally", "SELECT, INSERT, DELETE")


def downgrade() -> None:
    op.execute("DROP INDEX exceptions.exception_opened_idx; DROP TABLE exceptions.tally")
