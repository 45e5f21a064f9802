"""Factors of packs through time, and changes that go through an approval."""

from alembic import op
from onhand.migrate import grant

revision = "master_data_0003"
down_revision = "master_data_0002"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE master_data.pack_factor (
          item_id integer NOT NULL CONSTRAINT pack_factor_item_id_fkey REFERENCES master_data.item (id),
          unit text NOT NULL CONSTRAINT pack_factor_unit_fkey REFERENCES master_data.unit (code),
          effective_from timestamptz NOT NULL,
          numerator bigint CONSTRAINT pack_factor_numerator_check CHECK (numerator BETWEEN 1 AND 1000000000),
          denominator bigint CONSTRAINT pack_factor_denominator_check CHECK (denominator BETWEEN 1 AND 1000000000),
          recorded_at timestamptz NOT NULL,
          actor text NOT NULL,
          CONSTRAINT pack_factor_pkey PRIMARY KEY (item_id, unit, effective_from),
          CONSTRAINT pack_factor_whole_check CHECK ((numerator IS NULL) = (denominator IS NULL))
        )
    """)
    grant("master_data.pack_factor", "SELECT, INSERT, DELETE")
    op.execute("""
        INSERT INTO master_data.pack_factor (item_id, unit, effective_from, numerator, denominator, recorded_at, actor)
        SELECT p.item_id, p.unit, i.created_at, p.numerator, p.denominator, i.created_at, 'system:migration'
        FROM master_data.pack p JOIN master_data.item i ON i.id = p.item_id
    """)
    op.execute("""
        CREATE TRIGGER move_version AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON master_data.pack_factor
        FOR EACH STATEMENT EXECUTE FUNCTION master_data.move_version()
    """)
    op.execute("""
        CREATE TABLE master_data.change_request (
          id uuid CONSTRAINT change_request_pkey PRIMARY KEY,
          approval_id uuid,
          subject text NOT NULL CONSTRAINT change_request_subject_check
            CHECK (subject IN ('item', 'location', 'unit')),
          names text[] NOT NULL CONSTRAINT change_request_names_check CHECK (cardinality(names) > 0),
          title text NOT NULL,
          entities integer[] NOT NULL,
          wishes jsonb NOT NULL,
          differences jsonb,
          effective_at timestamptz,
          status text NOT NULL CONSTRAINT change_request_status_check
            CHECK (status IN ('pending', 'scheduled', 'applied', 'failed', 'withdrawn')),
          detail text,
          note text,
          requested_at timestamptz NOT NULL,
          requester text NOT NULL,
          requester_name text NOT NULL,
          settled_at timestamptz
        )
    """)
    op.execute(
        "CREATE INDEX change_request_due_idx ON master_data.change_request (effective_at) WHERE status = 'scheduled'"
    )
    op.execute("CREATE INDEX change_request_entities_idx ON master_data.change_request USING gin (entities)")
    grant(
        "master_data.change_request",
        "SELECT, INSERT, UPDATE (approval_id, status, detail, differences, settled_at)",
    )


def downgrade() -> None:
    op.execute("DROP TABLE master_data.change_request, master_data.pack_factor")
