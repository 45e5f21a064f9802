"""The audit trail says under which policies, and is sealed in blocks."""

from alembic import op
from onhand.migrate import grant

revision = "onhand_0005"
down_revision = "onhand_0004"

COLUMNS = "recorded_at, entity_id, actor, actor_name, user_id, action, subject, before, after, reason, policy_version"


def upgrade() -> None:
    op.execute("ALTER TABLE onhand.audit ADD COLUMN policy_version integer")
    op.execute("CREATE INDEX audit_actor_id_idx ON onhand.audit (actor, id)")
    # Ids are the database's to give: one chosen by hand could slip between rows that are sealed already.
    op.execute("REVOKE INSERT ON onhand.audit FROM onhand_app")
    grant("onhand.audit", f"INSERT ({COLUMNS})")
    op.execute("""
        CREATE TABLE onhand.audit_block (
          number integer NOT NULL CONSTRAINT audit_block_pkey PRIMARY KEY,
          after_id bigint NOT NULL,
          last_id bigint NOT NULL,
          ids bigint[] NOT NULL,
          leaves bytea[] NOT NULL,
          marks bytea[] NOT NULL,
          previous bytea,
          digest bytea NOT NULL,
          sealed_at timestamptz NOT NULL,
          CONSTRAINT audit_block_range_check CHECK (number > 0 AND after_id >= 0 AND last_id > after_id),
          CONSTRAINT audit_block_rows_check CHECK (
            cardinality(ids) > 0 AND cardinality(leaves) = cardinality(ids) AND cardinality(marks) = cardinality(ids)),
          CONSTRAINT audit_block_previous_check CHECK ((number = 1) = (previous IS NULL))
        )
    """)
    op.execute("CREATE UNIQUE INDEX audit_block_last_id_idx ON onhand.audit_block (last_id)")
    grant("onhand.audit_block", "SELECT, INSERT")


def downgrade() -> None:
    op.execute("DROP TABLE onhand.audit_block")
    op.execute(f"REVOKE INSERT ({COLUMNS}) ON onhand.audit FROM onhand_app")
    grant("onhand.audit", "INSERT")
    op.execute("DROP INDEX onhand.audit_actor_id_idx")
    op.execute("ALTER TABLE onhand.audit DROP COLUMN policy_version")
