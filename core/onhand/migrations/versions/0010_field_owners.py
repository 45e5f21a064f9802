"""Rules for single fields of a kind of change, and which fields a request touches."""

from alembic import op
from onhand.migrate.ddl import grant

revision = "onhand_0010"
down_revision = "onhand_0009"


def upgrade() -> None:
    op.execute("ALTER TABLE onhand.approval ADD COLUMN fields text[] NOT NULL DEFAULT '{}'")
    grant("onhand.approval", "UPDATE (fields)")
    op.execute("ALTER TABLE onhand.approval_rule ADD COLUMN field text")


def downgrade() -> None:
    op.execute("ALTER TABLE onhand.approval_rule DROP COLUMN field")
    op.execute("ALTER TABLE onhand.approval DROP COLUMN fields")
