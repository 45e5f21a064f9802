"""Holds of orders that a shop took."""

from alembic import op
from onhand.migrate import grant, isolate

revision = "shopify_0002"
down_revision = "shopify_0001"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE shopify.order_hold (
          channel_id integer NOT NULL,
          order_reference text NOT NULL,
          entity_id integer NOT NULL,
          status text NOT NULL CONSTRAINT order_hold_status_check CHECK (status IN ('waiting', 'held', 'unheld', 'done')),
          hold_id uuid,
          detail text,
          since timestamptz NOT NULL,
          CONSTRAINT order_hold_pkey PRIMARY KEY (channel_id, order_reference),
          CONSTRAINT order_hold_channel_id_entity_id_fkey
            FOREIGN KEY (channel_id, entity_id) REFERENCES shopify.shop (channel_id, entity_id),
          CONSTRAINT order_hold_held_check CHECK (status <> 'held' OR hold_id IS NOT NULL)
        )
    """)
    op.execute("""
        CREATE INDEX order_hold_open_idx ON shopify.order_hold (entity_id, since) WHERE status IN ('waiting', 'unheld')
    """)
    isolate("shopify.order_hold")
    grant("shopify.order_hold", "SELECT, INSERT, UPDATE")


def downgrade() -> None:
    op.execute("DROP TABLE shopify.order_hold")
