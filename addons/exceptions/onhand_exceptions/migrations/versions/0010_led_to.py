"""What leads to resolved exceptions of a location, and to items by how their SKU begins."""

from alembic import op

revision = "exceptions_0010"
down_revision = "exceptions_0009"


def upgrade() -> None:
    op.execute("""
        CREATE INDEX exception_resolved_location_idx
          ON exceptions.exception (entity_id, location, resolved_at DESC, id DESC) WHERE status = 'resolved';
        DROP INDEX exceptions.exception_sku_idx;
        CREATE INDEX exception_sku_idx ON exceptions.exception (entity_id, sku COLLATE "C")
    """)


def downgrade() -> None:
    op.execute("""
        DROP INDEX exceptions.exception_resolved_location_idx;
        DROP INDEX exceptions.exception_sku_idx;
        CREATE INDEX exception_sku_idx ON exceptions.exception (entity_id, sku text_pattern_ops)
    """)
