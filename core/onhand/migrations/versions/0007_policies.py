"""Policy versions: conditions, reasons, and versions that replace or cancel one which is not yet in force."""

from alembic import op

revision = "onhand_0007"
down_revision = "onhand_0006"

PLACE = "item_id, category_id, location_id, channel_id, entity_id"


def upgrade() -> None:
    op.execute("""
        ALTER TABLE onhand.policy_version
          ADD COLUMN condition text,
          ADD COLUMN reason text,
          ADD COLUMN replaces bigint CONSTRAINT policy_version_replaces_fkey REFERENCES onhand.policy_version (id),
          ADD COLUMN cancels boolean NOT NULL DEFAULT false
    """)
    # Of versions for one moment and place the later one held: it is the one that replaces.
    op.execute(f"""
        UPDATE onhand.policy_version v SET replaces = earlier.id
        FROM (SELECT id AS later, lag(id) OVER (PARTITION BY policy, {PLACE}, effective_from ORDER BY id) AS id
          FROM onhand.policy_version) earlier
        WHERE earlier.later = v.id AND earlier.id IS NOT NULL
    """)
    op.execute("""
        ALTER TABLE onhand.policy_version
          ADD CONSTRAINT policy_version_replaces_key UNIQUE (replaces),
          ADD CONSTRAINT policy_version_cancels_check CHECK (NOT cancels OR (replaces IS NOT NULL AND value = 'null'))
    """)
    op.execute(
        "CREATE UNIQUE INDEX policy_version_moment_idx ON onhand.policy_version "
        f"(policy, {PLACE}, effective_from, replaces) NULLS NOT DISTINCT"
    )


def downgrade() -> None:
    op.execute("DROP INDEX onhand.policy_version_moment_idx")
    op.execute("""
        ALTER TABLE onhand.policy_version
          DROP COLUMN condition, DROP COLUMN reason, DROP COLUMN replaces, DROP COLUMN cancels
    """)
