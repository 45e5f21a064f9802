"""Items that were duplicates lead to those they were merged into; what only looked like one is remembered."""

from alembic import op
from onhand.migrate import grant

revision = "master_data_0005"
down_revision = "master_data_0004"


def upgrade() -> None:
    op.execute("""
        ALTER TABLE master_data.item
          ADD COLUMN merged_into integer CONSTRAINT item_merged_into_fkey REFERENCES master_data.item (id),
          ADD CONSTRAINT item_merged_into_check CHECK (merged_into IS NULL OR NOT active AND merged_into <> id)
    """)
    op.execute("CREATE INDEX item_merged_into_idx ON master_data.item (merged_into) WHERE merged_into IS NOT NULL")
    grant("master_data.item", "UPDATE (merged_into)")
    op.execute("""
        CREATE TABLE master_data.distinct_pair (
          item_id integer NOT NULL CONSTRAINT distinct_pair_item_id_fkey REFERENCES master_data.item (id),
          other_id integer NOT NULL CONSTRAINT distinct_pair_other_id_fkey REFERENCES master_data.item (id),
          recorded_at timestamptz NOT NULL,
          actor text NOT NULL,
          note text,
          CONSTRAINT distinct_pair_pkey PRIMARY KEY (item_id, other_id),
          CONSTRAINT distinct_pair_order_check CHECK (item_id < other_id)
        )
    """)
    grant("master_data.distinct_pair", "SELECT, INSERT")


def downgrade() -> None:
    op.execute("DROP TABLE master_data.distinct_pair")
    op.execute("ALTER TABLE master_data.item DROP COLUMN merged_into")
