"""Add-ons that are switched off everywhere, that could not be migrated, and how each fares."""

from alembic import op
from onhand.migrate import grant

revision = "onhand_0008"
down_revision = "onhand_0007"


def upgrade() -> None:
    op.execute("""
        ALTER TABLE onhand.enablement
          ALTER COLUMN entity_id DROP NOT NULL,
          ADD COLUMN reason text,
          DROP CONSTRAINT enablement_state_check,
          ADD CONSTRAINT enablement_state_check CHECK (
            CASE WHEN entity_id IS NULL THEN state IN ('suspended', 'resumed')
                 ELSE state IN ('enabled', 'draining', 'disabled') END)
    """)
    op.execute("""
        CREATE TABLE onhand.migration_failure (
          addon text CONSTRAINT migration_failure_pkey PRIMARY KEY,
          error text NOT NULL,
          failed_at timestamptz NOT NULL
        )
    """)
    grant("onhand.migration_failure", "SELECT")
    op.execute("""
        CREATE TABLE onhand.addon_health (
          addon text NOT NULL,
          minute timestamptz NOT NULL,
          durations bigint[] NOT NULL,
          errors bigint NOT NULL,
          error text,
          failed_at timestamptz,
          CONSTRAINT addon_health_pkey PRIMARY KEY (addon, minute)
        )
    """)
    grant("onhand.addon_health", "SELECT, INSERT, UPDATE, DELETE")


def downgrade() -> None:
    op.execute("DROP TABLE onhand.addon_health")
    op.execute("DROP TABLE onhand.migration_failure")
    op.execute("DELETE FROM onhand.enablement WHERE entity_id IS NULL")
    op.execute("""
        ALTER TABLE onhand.enablement
          ALTER COLUMN entity_id SET NOT NULL,
          DROP COLUMN reason,
          DROP CONSTRAINT enablement_state_check,
          ADD CONSTRAINT enablement_state_check CHECK (state IN ('enabled', 'draining', 'disabled'))
    """)
