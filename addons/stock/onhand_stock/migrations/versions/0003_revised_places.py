"""A request that waits may be given another reason and another place by who asked."""

from alembic import op
from onhand.migrate import grant

revision = "stock_0003"
down_revision = "stock_0002"

COLUMNS = "UPDATE (reason, location_id)"


def upgrade() -> None:
    grant("stock.adjustment", COLUMNS)


def downgrade() -> None:
    op.execute(f"REVOKE {COLUMNS} ON stock.adjustment FROM onhand_app")
