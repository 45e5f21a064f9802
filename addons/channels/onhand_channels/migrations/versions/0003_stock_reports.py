"""Channels' own numbers: the newest of each channel, location and item."""

from alembic import op
from onhand.migrate import grant, isolate

revision = "channels_0003"
down_revision = "channels_0002"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE channels.stock_report (
          channel_id integer NOT NULL,
          location_id integer NOT NULL,
          item_id integer NOT NULL,
          entity_id integer NOT NULL,
          category_id integer,
          as_of timestamptz NOT NULL,
          event_id text NOT NULL,
          recorded_at timestamptz NOT NULL,
          theirs bigint NOT NULL CONSTRAINT stock_report_theirs_check CHECK (theirs >= 0),
          ours bigint NOT NULL,
          tolerance bigint NOT NULL CONSTRAINT stock_report_tolerance_check CHECK (tolerance >= 0),
          is_gap boolean NOT NULL,
          acknowledged_at timestamptz,
          acknowledged_by text,
          CONSTRAINT stock_report_pkey PRIMARY KEY (channel_id, location_id, item_id),
          CONSTRAINT stock_report_channel_id_entity_id_fkey
            FOREIGN KEY (channel_id, entity_id) REFERENCES channels.channel (id, entity_id),
          CONSTRAINT stock_report_acknowledged_check CHECK ((acknowledged_at IS NULL) = (acknowledged_by IS NULL)),
          CONSTRAINT stock_report_gap_check CHECK (NOT (is_gap AND acknowledged_at IS NOT NULL))
        )
    """)
    op.execute("CREATE INDEX stock_report_gap_idx ON channels.stock_report (entity_id, channel_id) WHERE is_gap")
    op.execute("CREATE INDEX stock_report_entity_id_as_of_idx ON channels.stock_report (entity_id, as_of)")
    isolate("channels.stock_report")
    grant("channels.stock_report", "SELECT, INSERT, UPDATE")


def downgrade() -> None:
    op.execute("DROP TABLE channels.stock_report")
