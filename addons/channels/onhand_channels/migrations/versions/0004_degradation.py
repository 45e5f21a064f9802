"""How far a channel's service is degraded, and who chose that."""

from alembic import op
from onhand.migrate import grant

revision = "channels_0004"
down_revision = "channels_0003"


def upgrade() -> None:
    op.execute("""
        ALTER TABLE channels.channel
          ADD COLUMN mode text NOT NULL DEFAULT 'normal'
            CONSTRAINT channel_mode_check CHECK (mode IN ('normal', 'raise_buffer', 'stop_holds')),
          ADD COLUMN mode_by text NOT NULL DEFAULT 'policy'
            CONSTRAINT channel_mode_by_check CHECK (mode_by IN ('policy', 'hand')),
          ADD COLUMN mode_reason text,
          ADD COLUMN mode_since timestamptz,
          ADD COLUMN buffer_raise integer NOT NULL DEFAULT 0
            CONSTRAINT channel_buffer_raise_check CHECK (buffer_raise >= 0 AND (buffer_raise = 0 OR mode = 'raise_buffer'))
    """)
    grant("channels.channel", "UPDATE (mode, mode_by, mode_reason, mode_since, buffer_raise)")


def downgrade() -> None:
    op.execute("""
        ALTER TABLE channels.channel
          DROP COLUMN mode, DROP COLUMN mode_by, DROP COLUMN mode_reason, DROP COLUMN mode_since,
          DROP COLUMN buffer_raise
    """)
