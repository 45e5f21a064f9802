"""One policy for what a unit is worth: the ledger's. What was said here is carried over, and amounts may be fractions.

Where the ledger's people have said something at the very same place, that stands, and what was said here stays behind
under its old name, which nothing asks for any more.
"""

from alembic import op

revision = "exceptions_0007"
down_revision = "exceptions_0006"

OLD, NEW = "exceptions.unit_value_minor", "stock.unit_value_minor"
MARK = f"(carried over from {OLD})"
PARTS = ("item_id", "category_id", "location_id", "channel_id", "entity_id")
SAME_PLACE = " AND ".join(f"other.{part} IS NOT DISTINCT FROM v.{part}" for part in PARTS)


def upgrade() -> None:
    op.execute("ALTER TABLE exceptions.exception ALTER COLUMN unit_value_minor TYPE numeric")
    op.execute(f"""
        UPDATE onhand.policy_version AS v SET policy = '{NEW}', reason = concat_ws(' ', nullif(reason, ''), '{MARK}'),
          value = CASE jsonb_typeof(value) WHEN 'number' THEN to_jsonb(value #>> '{{}}') ELSE value END
        WHERE policy = '{OLD}'
          AND NOT EXISTS (SELECT FROM onhand.policy_version AS other WHERE other.policy = '{NEW}' AND {SAME_PLACE})
    """)


def downgrade() -> None:
    op.execute(f"""
        UPDATE onhand.policy_version SET policy = '{OLD}',
          reason = nullif(btrim(left(reason, -length('{MARK}'))), ''),
          value = CASE jsonb_typeof(value) WHEN 'string' THEN to_jsonb((value #>> '{{}}')::numeric) ELSE value END
        WHERE policy = '{NEW}' AND right(reason, length('{MARK}')) = '{MARK}'
    """)
    op.execute(
        "ALTER TABLE exceptions.exception ALTER COLUMN unit_value_minor TYPE bigint USING round(unit_value_minor)"
    )
