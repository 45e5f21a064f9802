"""Kinds, balances, the ledger and what hangs on it."""

from alembic import op
from onhand.migrate import grant, isolate, writer_role

revision = "stock_0001"
down_revision = None

STATES = (
    "receiving", "available", "reserved", "picked", "packed", "quarantined", "damaged", "customer_returned",
    "vendor_return_pending", "count_pending", "in_transit", "shortage",
)  # fmt: skip


def upgrade() -> None:
    writer_role("onhand_stock", "stock")
    op.execute("""
        CREATE TABLE stock.movement_kind (
          kind text NOT NULL CONSTRAINT movement_kind_pkey PRIMARY KEY,
          label text NOT NULL,
          nature text NOT NULL CONSTRAINT movement_kind_nature_check CHECK (nature IN ('fact', 'intent')),
          permission text,
          needs_reason boolean NOT NULL,
          is_value boolean NOT NULL
        )
    """)
    op.execute("""
        CREATE TABLE stock.transition (
          kind text NOT NULL CONSTRAINT transition_kind_fkey REFERENCES stock.movement_kind (kind),
          from_state text NOT NULL,
          to_state text NOT NULL,
          CONSTRAINT transition_pkey PRIMARY KEY (kind, from_state, to_state)
        )
    """)
    grant("stock.movement_kind, stock.transition", "SELECT", to="onhand_app, onhand_stock")
    _balance()
    _movement()
    _beside_the_ledger()


def _balance() -> None:
    columns = ",\n".join(
        f"{state} bigint NOT NULL DEFAULT 0 CONSTRAINT balance_{state}_check CHECK ({state} >= 0)" for state in STATES
    )
    op.execute(f"""
        CREATE TABLE stock.balance (
          item_id integer NOT NULL CONSTRAINT balance_item_id_fkey REFERENCES master_data.item (id),
          location_id integer NOT NULL,
          entity_id integer NOT NULL CONSTRAINT balance_entity_id_fkey REFERENCES onhand.entity (id),
          {columns},
          counted_at timestamptz,
          count_adjustment bigint NOT NULL DEFAULT 0,
          count_explained bigint NOT NULL DEFAULT 0,
          CONSTRAINT balance_pkey PRIMARY KEY (item_id, location_id),
          CONSTRAINT balance_location_id_entity_id_fkey FOREIGN KEY (location_id, entity_id)
            REFERENCES master_data.location (id, entity_id),
          CONSTRAINT balance_no_stock_beside_shortage_check CHECK (available = 0 OR shortage = 0)
        ) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05)
    """)
    op.execute("CREATE INDEX balance_location_id_item_id_idx ON stock.balance (location_id, item_id)")
    isolate("stock.balance")
    grant("stock.balance", "SELECT")
    grant("stock.balance", "SELECT, INSERT, UPDATE", to="onhand_stock")


def _movement() -> None:
    op.execute("CREATE SEQUENCE stock.movement_id_seq AS bigint CACHE 1")
    op.execute("""
        CREATE TABLE stock.movement (
          recorded_at timestamptz NOT NULL,
          id bigint NOT NULL DEFAULT nextval('stock.movement_id_seq'),
          entity_id integer NOT NULL,
          item_id integer NOT NULL,
          from_location_id integer,
          to_location_id integer,
          quantity bigint NOT NULL CONSTRAINT movement_quantity_check CHECK (quantity >= 0),
          value_minor bigint,
          from_after bigint CONSTRAINT movement_from_after_check CHECK (from_after >= 0),
          to_after bigint CONSTRAINT movement_to_after_check CHECK (to_after >= 0),
          floor bigint,
          occurred_at timestamptz NOT NULL,
          reverses_at timestamptz,
          reverses_id bigint,
          from_state text NOT NULL,
          to_state text NOT NULL,
          kind text NOT NULL,
          trigger text NOT NULL CONSTRAINT movement_trigger_check CHECK (trigger <> ''),
          actor text NOT NULL CONSTRAINT movement_actor_check CHECK (actor <> ''),
          source text NOT NULL,
          source_event text,
          reason text,
          correlation text,
          CONSTRAINT movement_pkey PRIMARY KEY (recorded_at, id),
          CONSTRAINT movement_floor_check CHECK (floor IS NULL OR from_after >= floor),
          CONSTRAINT movement_place_check CHECK (from_location_id IS NOT NULL OR to_location_id IS NOT NULL)
        ) PARTITION BY RANGE (recorded_at)
    """)
    op.execute("CREATE INDEX movement_item_id_id_idx ON stock.movement (item_id, id)")
    isolate("stock.movement")
    grant("stock.movement", "SELECT")
    grant("stock.movement", "SELECT, INSERT", to="onhand_stock")
    op.execute("GRANT USAGE, SELECT ON SEQUENCE stock.movement_id_seq TO onhand_stock")
    op.execute("GRANT SELECT ON SEQUENCE stock.movement_id_seq TO onhand_app")
    op.execute("CREATE TABLE stock.movement_default PARTITION OF stock.movement DEFAULT")
    op.execute("""
        CREATE FUNCTION stock.make_partitions(months_ahead integer) RETURNS integer
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
        DECLARE
          month timestamptz; made integer := 0; name text;
        BEGIN
          IF months_ahead NOT BETWEEN 0 AND 24 THEN RAISE EXCEPTION 'months_ahead must be 0 to 24'; END IF;
          FOR ahead IN 0..months_ahead LOOP
            month := date_trunc('month', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' + make_interval(months => ahead);
            name := 'movement_' || to_char(month AT TIME ZONE 'UTC', 'YYYY_MM');
            IF to_regclass('stock.' || name) IS NULL THEN
              EXECUTE format('CREATE TABLE stock.%I PARTITION OF stock.movement FOR VALUES FROM (%L) TO (%L)',
                             name, month, month + interval '1 month');
              made := made + 1;
            END IF;
          END LOOP;
          RETURN made;
        END $$
    """)
    op.execute("REVOKE ALL ON FUNCTION stock.make_partitions(integer) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION stock.make_partitions(integer) TO onhand_app")
    op.execute("SELECT stock.make_partitions(3)")


def _beside_the_ledger() -> None:
    """What must be unique or open for ever lives beside the partitions."""
    op.execute("""
        CREATE TABLE stock.reversal (
          recorded_at timestamptz NOT NULL,
          id bigint NOT NULL,
          entity_id integer NOT NULL CONSTRAINT reversal_entity_id_fkey REFERENCES onhand.entity (id),
          reversed_at timestamptz NOT NULL,
          CONSTRAINT reversal_pkey PRIMARY KEY (recorded_at, id)
        )
    """)
    op.execute("""
        CREATE TABLE stock.shortage (
          recorded_at timestamptz NOT NULL,
          id bigint NOT NULL,
          entity_id integer NOT NULL CONSTRAINT shortage_entity_id_fkey REFERENCES onhand.entity (id),
          item_id integer NOT NULL,
          location_id integer NOT NULL,
          quantity bigint NOT NULL CONSTRAINT shortage_quantity_check CHECK (quantity > 0),
          cleared bigint NOT NULL DEFAULT 0
            CONSTRAINT shortage_cleared_check CHECK (cleared BETWEEN 0 AND quantity),
          occurred_at timestamptz NOT NULL,
          trigger text NOT NULL,
          cleared_occurred_at timestamptz,
          CONSTRAINT shortage_pkey PRIMARY KEY (recorded_at, id)
        )
    """)
    op.execute("CREATE INDEX shortage_item_id_location_id_idx ON stock.shortage (item_id, location_id)")
    op.execute(
        "CREATE INDEX shortage_doubtful_idx ON stock.shortage (entity_id) "
        "WHERE cleared < quantity OR cleared_occurred_at > occurred_at"
    )
    op.execute("""
        CREATE TABLE stock.shortage_clearance (
          opened_at timestamptz NOT NULL,
          opened_id bigint NOT NULL,
          cleared_at timestamptz NOT NULL,
          cleared_id bigint NOT NULL,
          raised_id bigint NOT NULL,
          entity_id integer NOT NULL CONSTRAINT shortage_clearance_entity_id_fkey REFERENCES onhand.entity (id),
          quantity bigint NOT NULL CONSTRAINT shortage_clearance_quantity_check CHECK (quantity > 0),
          CONSTRAINT shortage_clearance_pkey PRIMARY KEY (opened_at, opened_id, cleared_at, cleared_id)
        )
    """)
    op.execute("""
        CREATE TABLE stock.stock_count (
          id uuid NOT NULL CONSTRAINT stock_count_pkey PRIMARY KEY,
          entity_id integer NOT NULL CONSTRAINT stock_count_entity_id_fkey REFERENCES onhand.entity (id),
          item_id integer NOT NULL CONSTRAINT stock_count_item_id_fkey REFERENCES master_data.item (id),
          location_id integer NOT NULL,
          counted bigint NOT NULL CONSTRAINT stock_count_counted_check CHECK (counted >= 0),
          position bigint,
          expected bigint NOT NULL,
          adjustment bigint NOT NULL,
          counted_at timestamptz NOT NULL,
          recorded_at timestamptz NOT NULL,
          actor text NOT NULL,
          CONSTRAINT stock_count_location_id_entity_id_fkey FOREIGN KEY (location_id, entity_id)
            REFERENCES master_data.location (id, entity_id)
        )
    """)
    op.execute("""
        CREATE TABLE stock.verification (
          id bigint GENERATED BY DEFAULT AS IDENTITY CONSTRAINT verification_pkey PRIMARY KEY,
          recorded_at timestamptz NOT NULL,
          differences integer NOT NULL,
          seconds double precision NOT NULL,
          findings jsonb NOT NULL
        )
    """)
    for table in ("reversal", "shortage", "shortage_clearance", "stock_count"):
        isolate(f"stock.{table}")
        grant(f"stock.{table}", "SELECT")
    grant("stock.reversal, stock.shortage_clearance, stock.stock_count", "SELECT, INSERT", to="onhand_stock")
    grant("stock.shortage", "SELECT, INSERT, UPDATE (cleared, cleared_occurred_at)", to="onhand_stock")
    grant("stock.verification", "SELECT, INSERT")


def downgrade() -> None:
    op.execute("""
        DROP TABLE stock.verification, stock.stock_count, stock.shortage_clearance, stock.shortage, stock.reversal,
          stock.movement, stock.balance, stock.transition, stock.movement_kind
    """)
    op.execute("DROP SEQUENCE stock.movement_id_seq")
    op.execute("DROP FUNCTION stock.make_partitions(integer)")
    op.execute("REVOKE USAGE ON SCHEMA stock FROM onhand_stock")
