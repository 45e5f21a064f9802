"""Who asked may ask for it at another place: it is weighed there anew, and consents given so far are void."""

from alembic import op
from onhand.migrate import grant

revision = "onhand_0011"
down_revision = "onhand_0010"

COLUMNS = "UPDATE (location_id, location)"


def upgrade() -> None:
    grant("onhand.approval", COLUMNS)


def downgrade() -> None:
    op.execute(f"REVOKE {COLUMNS} ON onhand.approval FROM onhand_app")
