"""Holds, their lines, and what had to be refused."""

from alembic import op
from onhand.migrate import grant, isolate

revision = "reservations_0001"
down_revision = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE reservations.hold (
          id uuid NOT NULL CONSTRAINT hold_pkey PRIMARY KEY,
          entity_id integer NOT NULL CONSTRAINT hold_entity_id_fkey REFERENCES onhand.entity (id),
          channel_id integer NOT NULL CONSTRAINT hold_channel_id_fkey REFERENCES channels.channel (id),
          reference text NOT NULL,
          status text NOT NULL CONSTRAINT hold_status_check
            CHECK (status IN ('held', 'confirmed', 'fulfilled', 'released', 'expired')),
          held_at timestamptz NOT NULL,
          expires_at timestamptz NOT NULL,
          confirmed_at timestamptz,
          confirmed_by text,
          settled_at timestamptz,
          release_event text,
          replaces uuid,
          overdue_told_at timestamptz,
          actor text NOT NULL,
          CONSTRAINT hold_settled_check
            CHECK ((status IN ('fulfilled', 'released', 'expired')) = (settled_at IS NOT NULL)),
          CONSTRAINT hold_confirmed_check CHECK (status <> 'confirmed' OR confirmed_at IS NOT NULL),
          CONSTRAINT hold_confirmed_by_check CHECK ((confirmed_at IS NULL) = (confirmed_by IS NULL))
        ) WITH (fillfactor = 80)
    """)
    op.execute("CREATE INDEX hold_channel_id_reference_idx ON reservations.hold (channel_id, reference)")
    op.execute("CREATE UNIQUE INDEX hold_replaces_idx ON reservations.hold (replaces) WHERE replaces IS NOT NULL")
    op.execute("CREATE INDEX hold_due_idx ON reservations.hold (expires_at) WHERE status = 'held'")
    op.execute("""
        CREATE INDEX hold_confirmed_idx ON reservations.hold (confirmed_at)
        WHERE status = 'confirmed' AND overdue_told_at IS NULL
    """)
    op.execute("""
        CREATE TABLE reservations.hold_line (
          hold_id uuid NOT NULL CONSTRAINT hold_line_hold_id_fkey REFERENCES reservations.hold (id),
          line integer NOT NULL,
          entity_id integer NOT NULL,
          item_id integer NOT NULL CONSTRAINT hold_line_item_id_fkey REFERENCES master_data.item (id),
          location_id integer NOT NULL CONSTRAINT hold_line_location_id_fkey REFERENCES master_data.location (id),
          quantity bigint NOT NULL CONSTRAINT hold_line_quantity_check CHECK (quantity > 0),
          fulfilled bigint NOT NULL DEFAULT 0 CONSTRAINT hold_line_fulfilled_check CHECK (fulfilled >= 0),
          released bigint NOT NULL DEFAULT 0 CONSTRAINT hold_line_released_check CHECK (released >= 0),
          lapsed bigint NOT NULL DEFAULT 0 CONSTRAINT hold_line_lapsed_check CHECK (lapsed BETWEEN 0 AND released),
          CONSTRAINT hold_line_pkey PRIMARY KEY (hold_id, line),
          CONSTRAINT hold_line_each_unit_ends_once_check CHECK (fulfilled + released <= quantity)
        ) WITH (fillfactor = 80)
    """)
    op.execute("""
        CREATE INDEX hold_line_open_idx ON reservations.hold_line (item_id, location_id)
        WHERE fulfilled + released < quantity
    """)
    op.execute("""
        CREATE TABLE reservations.refusal (
          item_id integer NOT NULL,
          location_id integer NOT NULL,
          entity_id integer NOT NULL CONSTRAINT refusal_entity_id_fkey REFERENCES onhand.entity (id),
          channel_id integer NOT NULL,
          quantity bigint NOT NULL,
          floor bigint NOT NULL,
          refused bigint NOT NULL,
          last_refused_at timestamptz NOT NULL,
          CONSTRAINT refusal_pkey PRIMARY KEY (item_id, location_id)
        )
    """)
    for table in ("hold", "hold_line", "refusal"):
        isolate(f"reservations.{table}")
    grant(
        "reservations.hold",
        "SELECT, INSERT, "
        "UPDATE (status, expires_at, confirmed_at, confirmed_by, settled_at, release_event, overdue_told_at)",
    )
    grant("reservations.hold_line", "SELECT, INSERT, UPDATE (fulfilled, released, lapsed)")
    grant("reservations.refusal", "SELECT, INSERT, UPDATE, DELETE")


def downgrade() -> None:
    op.execute("DROP TABLE reservations.refusal, reservations.hold_line, reservations.hold")
