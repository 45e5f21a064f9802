"""What leads to the orders of an item. Only what never changes is in it, so that facts still update a line in place."""

from alembic import op

revision = "channels_0006"
down_revision = "channels_0005"


def upgrade() -> None:
    op.execute("CREATE INDEX order_line_item_id_idx ON channels.order_line (item_id)")


def downgrade() -> None:
    op.execute("DROP INDEX channels.order_line_item_id_idx")
