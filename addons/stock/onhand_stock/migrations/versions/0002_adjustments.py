"""Adjustments that are asked for, and the reason codes they need."""

from alembic import op
from onhand.migrate import grant, isolate

revision = "stock_0002"
down_revision = "stock_0001"

REASONS = [
    ("channel_sync", "Channel out of step", "A channel sold or sent what the book did not hear of", ["adjustment"]),
    ("receiving_error", "Receiving error", "Came otherwise than it was booked in", ["adjustment", "count_adjustment"]),
    ("return_error", "Return or credit error", "Came back otherwise than it was booked", ["adjustment"]),
]


def upgrade() -> None:
    op.execute("""
        CREATE TABLE stock.adjustment (
          id uuid NOT NULL CONSTRAINT adjustment_pkey PRIMARY KEY,
          entity_id integer NOT NULL CONSTRAINT adjustment_entity_id_fkey REFERENCES onhand.entity (id),
          item_id integer NOT NULL CONSTRAINT adjustment_item_id_fkey REFERENCES master_data.item (id),
          location_id integer NOT NULL,
          kind text NOT NULL CONSTRAINT adjustment_kind_check CHECK (kind IN ('adjustment', 'write_off', 'markdown')),
          state text NOT NULL,
          seen bigint NOT NULL CONSTRAINT adjustment_seen_check CHECK (seen >= 0),
          delta bigint NOT NULL,
          value_minor bigint,
          reason text NOT NULL CONSTRAINT adjustment_reason_check CHECK (reason <> ''),
          note text NOT NULL,
          status text NOT NULL
            CONSTRAINT adjustment_status_check CHECK (status IN ('waiting', 'recount', 'posted', 'dropped')),
          occurred_at timestamptz NOT NULL,
          recorded_at timestamptz NOT NULL,
          actor text NOT NULL,
          requester text NOT NULL,
          source text NOT NULL,
          is_trusted boolean NOT NULL,
          approval_id uuid,
          counted bigint,
          position bigint,
          recounted_at timestamptz,
          recounted_by text,
          count_id uuid,
          posted_at timestamptz,
          outcome text,
          CONSTRAINT adjustment_location_id_entity_id_fkey FOREIGN KEY (location_id, entity_id)
            REFERENCES master_data.location (id, entity_id),
          CONSTRAINT adjustment_posted_check CHECK ((status = 'posted') = (posted_at IS NOT NULL)),
          CONSTRAINT adjustment_dropped_check CHECK ((status = 'dropped') = (outcome IS NOT NULL)),
          CONSTRAINT adjustment_markdown_check CHECK (kind <> 'markdown' OR delta = 0 AND value_minor <> 0),
          CONSTRAINT adjustment_delta_check CHECK (kind = 'markdown' OR delta <> 0 OR status = 'dropped'),
          CONSTRAINT adjustment_write_off_check CHECK (kind <> 'write_off' OR delta < 0),
          CONSTRAINT adjustment_recounted_check CHECK ((counted IS NULL) = (recounted_at IS NULL))
        )
    """)
    op.execute("CREATE INDEX adjustment_entity_id_recorded_at_id_idx ON stock.adjustment (entity_id, recorded_at, id)")
    op.execute(
        "CREATE INDEX adjustment_requester_idx ON stock.adjustment (requester, item_id, location_id, recorded_at)"
    )
    op.execute("CREATE INDEX adjustment_recount_idx ON stock.adjustment (entity_id) WHERE status = 'recount'")
    isolate("stock.adjustment")
    grant(
        "stock.adjustment",
        "SELECT, INSERT, UPDATE (seen, delta, value_minor, status, approval_id, counted, position, recounted_at, "
        "recounted_by, count_id, posted_at, outcome)",
    )
    _reasons()


def _reasons() -> None:
    """Let what may be given for a count be given for an adjustment, and add what clerks write that had no code."""
    op.execute("""
        UPDATE onhand.reason_code SET kinds = kinds || '{adjustment}'
        WHERE 'count_adjustment' = ANY(kinds) AND NOT 'adjustment' = ANY(kinds)
    """)
    for code, label, said, kinds in REASONS:
        op.execute(
            "INSERT INTO onhand.reason_code (code, label, help, kinds, recorded_at) "
            f"VALUES ('{code}', '{label}', '{said}', '{{{','.join(kinds)}}}', clock_timestamp()) "
            "ON CONFLICT DO NOTHING"
        )


def downgrade() -> None:
    op.execute("DROP TABLE stock.adjustment")
    op.execute("UPDATE onhand.reason_code SET kinds = array_remove(kinds, 'adjustment')")
    codes = ", ".join(f"'{code}'" for code, *_ in REASONS)
    op.execute(f"DELETE FROM onhand.reason_code WHERE code IN ({codes})")
