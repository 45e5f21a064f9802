"""What leads to a page of approvals, whoever looks and whatever it is narrowed by."""

from alembic import op

revision = "onhand_0009"
down_revision = "onhand_0008"

PENDING, SETTLED = "status = 'pending'", "status <> 'pending'"
NEWEST = "asked_at DESC, id DESC"
INDEXES = (
    ("approval_order_idx", "asked_at, id", PENDING),
    ("approval_role_idx", "entity_id, waiting_role, asked_at, id", PENDING),
    ("approval_kind_idx", "entity_id, kind, asked_at, id", PENDING),
    ("approval_location_idx", "entity_id, location, asked_at, id", PENDING),
    ("approval_location_id_idx", "entity_id, location_id, asked_at, id", PENDING),
    ("approval_settled_idx", f"entity_id, {NEWEST}", SETTLED),
    ("approval_settled_order_idx", NEWEST, SETTLED),
    ("approval_settled_kind_idx", f"entity_id, kind, {NEWEST}", SETTLED),
    ("approval_settled_location_idx", f"entity_id, location, {NEWEST}", SETTLED),
    ("approval_settled_location_id_idx", f"entity_id, location_id, {NEWEST}", SETTLED),
    ("approval_mine_idx", f"requester_user_id, {NEWEST}", None),
)


def upgrade() -> None:
    for name, columns, where in INDEXES:
        op.execute(f"CREATE INDEX {name} ON onhand.approval ({columns})" + (f" WHERE {where}" if where else ""))


def downgrade() -> None:
    op.execute(f"DROP INDEX {', '.join(f'onhand.{name}' for name, *_ in INDEXES)}")
