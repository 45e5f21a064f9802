"""The availability feed: what of which item is to be told to which channel, how far that is, and its budget."""

from alembic import op
from onhand.migrate import grant, isolate

revision = "channels_0005"
down_revision = "channels_0004"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE channels.feed (
          channel_id integer NOT NULL CONSTRAINT feed_pkey PRIMARY KEY,
          entity_id integer NOT NULL,
          terms text NOT NULL,
          read_from timestamptz NOT NULL,
          seed_from integer,
          tokens double precision NOT NULL DEFAULT 0 CONSTRAINT feed_tokens_check CHECK (tokens >= 0),
          refilled_at timestamptz NOT NULL,
          paused_until timestamptz,
          busy_until timestamptz,
          CONSTRAINT feed_channel_id_entity_id_fkey
            FOREIGN KEY (channel_id, entity_id) REFERENCES channels.channel (id, entity_id)
        ) WITH (fillfactor = 50)
    """)
    op.execute("""
        CREATE TABLE channels.feed_key (
          channel_id integer NOT NULL,
          item_id integer NOT NULL,
          location_id integer NOT NULL,
          entity_id integer NOT NULL,
          changed_at timestamptz NOT NULL,
          change_seq bigint NOT NULL,
          settled_seq bigint NOT NULL DEFAULT 0,
          ledger_id bigint NOT NULL DEFAULT 0,
          sent_seq bigint,
          sent_at timestamptz,
          sent_quantity bigint,
          sent_compare bigint,
          sent_in_flight bigint,
          sent_counted_id bigint,
          maybe_quantity bigint,
          acknowledged_quantity bigint CONSTRAINT feed_key_acknowledged_quantity_check CHECK (acknowledged_quantity >= 0),
          acknowledged_at timestamptz,
          lag_seconds double precision,
          counted_id bigint NOT NULL DEFAULT 0,
          in_flight bigint NOT NULL DEFAULT 0 CONSTRAINT feed_key_in_flight_check CHECK (in_flight >= 0),
          in_flight_since timestamptz,
          theirs bigint,
          theirs_at timestamptz,
          stale integer NOT NULL DEFAULT 0,
          attempts integer NOT NULL DEFAULT 0,
          not_before timestamptz,
          reason text,
          detail text,
          parked_at timestamptz,
          CONSTRAINT feed_key_pkey PRIMARY KEY (channel_id, item_id, location_id),
          CONSTRAINT feed_key_channel_id_entity_id_fkey
            FOREIGN KEY (channel_id, entity_id) REFERENCES channels.channel (id, entity_id),
          CONSTRAINT feed_key_seq_check CHECK (settled_seq <= change_seq AND sent_seq <= change_seq),
          CONSTRAINT feed_key_sent_check CHECK (
            (sent_seq IS NULL) = (sent_quantity IS NULL) AND (sent_seq IS NULL) = (sent_at IS NULL)
          ),
          CONSTRAINT feed_key_acknowledged_check CHECK ((acknowledged_quantity IS NULL) = (acknowledged_at IS NULL)),
          CONSTRAINT feed_key_parked_check CHECK (parked_at IS NULL OR reason IS NOT NULL)
        ) WITH (fillfactor = 70)
    """)
    op.execute("""
        CREATE INDEX feed_key_due_idx ON channels.feed_key (channel_id, changed_at)
        WHERE change_seq > settled_seq AND parked_at IS NULL
    """)
    op.execute(
        "CREATE INDEX feed_key_parked_idx ON channels.feed_key (channel_id, parked_at) WHERE parked_at IS NOT NULL"
    )
    op.execute("CREATE INDEX feed_key_stale_idx ON channels.feed_key (entity_id) WHERE stale > 1")
    op.execute(
        "CREATE INDEX feed_key_in_flight_idx ON channels.feed_key (channel_id, in_flight_since) WHERE in_flight > 0"
    )
    op.execute(
        "CREATE INDEX feed_key_channel_id_acknowledged_at_idx ON channels.feed_key (channel_id, acknowledged_at)"
    )
    for table in ("feed", "feed_key"):
        isolate(f"channels.{table}")
        grant(f"channels.{table}", "SELECT, INSERT, UPDATE")


def downgrade() -> None:
    op.execute("DROP TABLE channels.feed_key, channels.feed")
