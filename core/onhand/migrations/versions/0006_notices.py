"""Notices to people."""

from alembic import op
from onhand.migrate import grant
from onhand.migrate.ddl import ENTITY_WALL

revision = "onhand_0006"
down_revision = "onhand_0005"


def upgrade() -> None:
    op.execute(r"""
        CREATE TABLE onhand.notice (
          id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT notice_pkey PRIMARY KEY,
          user_id integer NOT NULL CONSTRAINT notice_user_id_fkey REFERENCES onhand."user" (id),
          entity_id integer CONSTRAINT notice_entity_id_fkey REFERENCES onhand.entity (id),
          key text NOT NULL,
          text text NOT NULL,
          href text,
          recorded_at timestamptz NOT NULL,
          read_at timestamptz,
          CONSTRAINT notice_href_check CHECK (href IS NULL OR href ~ '^/[^/\\]' OR href = '/')
        )
    """)
    op.execute("CREATE INDEX notice_user_id_id_idx ON onhand.notice (user_id, id DESC)")
    op.execute(
        "CREATE UNIQUE INDEX notice_unread_key ON onhand.notice (user_id, entity_id, key) NULLS NOT DISTINCT"
        " WHERE read_at IS NULL"
    )
    # As of the audit trail: what concerns the whole group has no entity.
    wall = f"entity_id IS NULL OR {ENTITY_WALL}"
    op.execute("ALTER TABLE onhand.notice ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE onhand.notice FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY entity_wall ON onhand.notice USING ({wall}) WITH CHECK ({wall})")
    grant("onhand.notice", "SELECT, INSERT, UPDATE (text, href, recorded_at, read_at), DELETE")


def downgrade() -> None:
    op.execute("DROP TABLE onhand.notice")
