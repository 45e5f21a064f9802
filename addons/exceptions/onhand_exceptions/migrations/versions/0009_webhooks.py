"""Digests that a program is told by webhook, and what became of each telling."""

from alembic import op
from onhand.migrate import grant, isolate

revision = "exceptions_0009"
down_revision = "exceptions_0008"

EVERYWHERE = """
SELECT set_config('onhand.entities', (SELECT '{' || coalesce(string_agg(id::text, ','), '') || '}' FROM onhand.entity), true)
"""


def upgrade() -> None:
    op.execute("""
        ALTER TABLE exceptions.digest
          ADD COLUMN salt text,
          DROP CONSTRAINT digest_per_check,
          DROP CONSTRAINT digest_address_per_check,
          ADD CONSTRAINT digest_per_check CHECK (per IN ('team', 'owner', 'webhook')),
          ADD CONSTRAINT digest_address_per_check CHECK ((per = 'owner') = (address IS NULL)),
          ADD CONSTRAINT digest_salt_check CHECK ((per = 'webhook') = (salt IS NOT NULL));
        CREATE TABLE exceptions.delivery (
          id uuid CONSTRAINT delivery_pkey PRIMARY KEY,
          entity_id integer NOT NULL,
          digest_id integer NOT NULL CONSTRAINT delivery_digest_id_fkey REFERENCES exceptions.digest (id),
          day date NOT NULL,
          url text NOT NULL,
          body text NOT NULL,
          recorded_at timestamptz NOT NULL,
          attempts integer NOT NULL DEFAULT 0,
          error text,
          delivered_at timestamptz,
          given_up_at timestamptz,
          CONSTRAINT delivery_digest_id_day_key UNIQUE (digest_id, day),
          CONSTRAINT delivery_ended_check CHECK (delivered_at IS NULL OR given_up_at IS NULL)
        )
    """)
    isolate("exceptions.delivery")
    grant("exceptions.delivery", "SELECT, INSERT, UPDATE (attempts, error, delivered_at, given_up_at)")


def downgrade() -> None:
    op.execute(EVERYWHERE)
    op.execute("""
        DROP TABLE exceptions.delivery;
        DELETE FROM exceptions.digest WHERE per = 'webhook';
        ALTER TABLE exceptions.digest
          DROP CONSTRAINT digest_salt_check,
          DROP CONSTRAINT digest_per_check,
          DROP CONSTRAINT digest_address_per_check,
          ADD CONSTRAINT digest_per_check CHECK (per IN ('team', 'owner')),
          ADD CONSTRAINT digest_address_per_check CHECK ((per = 'team') = (address IS NOT NULL)),
          DROP COLUMN salt
    """)
