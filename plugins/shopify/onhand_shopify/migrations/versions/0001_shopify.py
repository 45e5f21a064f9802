"""Shops, what is called what there, and every webhook as it came."""

from alembic import op
from onhand.migrate import grant, isolate

revision = "shopify_0001"
down_revision = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE shopify.shop (
          channel_id integer NOT NULL CONSTRAINT shop_pkey PRIMARY KEY,
          entity_id integer NOT NULL,
          domain text NOT NULL CONSTRAINT shop_domain_check
            CHECK (domain ~ '^[a-z0-9][a-z0-9.-]*(:[0-9]{1,5})?$' AND length(domain) <= 255),
          api_version text NOT NULL CONSTRAINT shop_api_version_check CHECK (api_version ~ '^20[0-9]{2}-(01|04|07|10)$'),
          client_id text CONSTRAINT shop_client_id_check CHECK (length(client_id) BETWEEN 1 AND 255),
          secret bytea,
          former_secret bytea,
          former_until timestamptz,
          access_token bytea,
          token_until timestamptz,
          connected_at timestamptz NOT NULL,
          connected_by text NOT NULL,
          read_at timestamptz,
          read_fault text,
          published_at timestamptz,
          publish_fault text,
          publish_fault_at timestamptz,
          CONSTRAINT shop_channel_id_entity_id_fkey
            FOREIGN KEY (channel_id, entity_id) REFERENCES channels.channel (id, entity_id),
          CONSTRAINT shop_entity_id_domain_key UNIQUE (entity_id, domain),
          CONSTRAINT shop_channel_id_entity_id_key UNIQUE (channel_id, entity_id),
          CONSTRAINT shop_former_check CHECK ((former_secret IS NULL) = (former_until IS NULL)),
          CONSTRAINT shop_secret_check CHECK (secret IS NOT NULL OR (former_secret IS NULL AND access_token IS NULL))
        ) WITH (fillfactor = 70)
    """)
    op.execute("""
        CREATE TABLE shopify.shop_location (
          channel_id integer NOT NULL,
          shopify_id bigint NOT NULL,
          entity_id integer NOT NULL,
          name text NOT NULL,
          is_active boolean NOT NULL,
          location_id integer,
          CONSTRAINT shop_location_pkey PRIMARY KEY (channel_id, shopify_id),
          CONSTRAINT shop_location_channel_id_entity_id_fkey
            FOREIGN KEY (channel_id, entity_id) REFERENCES shopify.shop (channel_id, entity_id),
          CONSTRAINT shop_location_location_id_entity_id_fkey
            FOREIGN KEY (location_id, entity_id) REFERENCES master_data.location (id, entity_id),
          CONSTRAINT shop_location_channel_id_location_id_key UNIQUE (channel_id, location_id)
        )
    """)
    op.execute("""
        CREATE TABLE shopify.shop_item (
          channel_id integer NOT NULL,
          shopify_id bigint NOT NULL,
          entity_id integer NOT NULL,
          variant_id bigint,
          sku text NOT NULL CONSTRAINT shop_item_sku_check CHECK (sku <> ''),
          read_at timestamptz NOT NULL,
          CONSTRAINT shop_item_pkey PRIMARY KEY (channel_id, shopify_id),
          CONSTRAINT shop_item_channel_id_entity_id_fkey
            FOREIGN KEY (channel_id, entity_id) REFERENCES shopify.shop (channel_id, entity_id)
        )
    """)
    op.execute("CREATE INDEX shop_item_channel_id_sku_idx ON shopify.shop_item (channel_id, sku)")
    op.execute("CREATE INDEX shop_item_channel_id_variant_id_idx ON shopify.shop_item (channel_id, variant_id)")
    op.execute("""
        CREATE TABLE shopify.delivery (
          id uuid NOT NULL CONSTRAINT delivery_pkey PRIMARY KEY,
          channel_id integer NOT NULL,
          entity_id integer NOT NULL,
          webhook_id text NOT NULL,
          topic text NOT NULL,
          received_at timestamptz NOT NULL,
          body bytea NOT NULL,
          outcome text NOT NULL CONSTRAINT delivery_outcome_check
            CHECK (outcome IN ('waiting', 'taken', 'nothing', 'unhandled', 'parked')),
          reason text,
          code text,
          detail text,
          settled_at timestamptz,
          CONSTRAINT delivery_channel_id_entity_id_fkey
            FOREIGN KEY (channel_id, entity_id) REFERENCES shopify.shop (channel_id, entity_id),
          CONSTRAINT delivery_channel_id_webhook_id_key UNIQUE (channel_id, webhook_id),
          CONSTRAINT delivery_settled_check CHECK ((outcome = 'waiting') = (settled_at IS NULL)),
          CONSTRAINT delivery_reason_check CHECK ((outcome = 'parked') = (reason IS NOT NULL))
        )
    """)
    op.execute("CREATE INDEX delivery_channel_id_received_at_idx ON shopify.delivery (channel_id, received_at)")
    op.execute(
        "CREATE INDEX delivery_waiting_idx ON shopify.delivery (channel_id, received_at) WHERE outcome = 'waiting'"
    )
    op.execute("CREATE INDEX delivery_parked_idx ON shopify.delivery (entity_id, channel_id) WHERE outcome = 'parked'")
    for table, rights in (
        ("shop", "SELECT, INSERT, UPDATE"),
        ("shop_location", "SELECT, INSERT, UPDATE"),
        ("shop_item", "SELECT, INSERT, UPDATE, DELETE"),
        ("delivery", "SELECT, INSERT, UPDATE, DELETE"),
    ):
        isolate(f"shopify.{table}")
        grant(f"shopify.{table}", rights)


def downgrade() -> None:
    op.execute("DROP TABLE shopify.delivery, shopify.shop_item, shopify.shop_location, shopify.shop")
