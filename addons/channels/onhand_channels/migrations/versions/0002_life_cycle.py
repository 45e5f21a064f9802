"""The governed life cycle of channels: states and their steps in place of on and off, and what shadow channels told."""

from alembic import op
from onhand.migrate import grant, isolate

revision = "channels_0002"
down_revision = "channels_0001"

STATES = "('proposed', 'assessed', 'approved', 'live', 'suspended', 'retired')"
LEGAL = (
    "(('proposed', 'assessed'), ('proposed', 'retired'), ('assessed', 'approved'), ('assessed', 'proposed'),"
    " ('assessed', 'retired'), ('approved', 'live'), ('approved', 'proposed'), ('approved', 'retired'),"
    " ('live', 'suspended'), ('suspended', 'live'), ('suspended', 'retired'))"
)


def upgrade() -> None:
    # Retyped rather than filled by UPDATE: rows behind row-level security are rewritten too, and so are the grants kept.
    op.execute("""
        ALTER TABLE channels.channel
          ALTER COLUMN active DROP DEFAULT,
          ALTER COLUMN active TYPE text USING CASE WHEN active THEN 'live' ELSE 'suspended' END
    """)
    op.execute("ALTER TABLE channels.channel RENAME COLUMN active TO state")
    op.execute(f"ALTER TABLE channels.channel ADD CONSTRAINT channel_state_check CHECK (state IN {STATES})")
    op.execute(f"""
        CREATE FUNCTION channels.guard_state() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          IF TG_OP = 'INSERT' AND NEW.state NOT IN ('proposed', 'live') THEN
            RAISE EXCEPTION 'a channel cannot begin as %', NEW.state USING ERRCODE = 'check_violation';
          ELSIF TG_OP = 'UPDATE' AND NEW.state <> OLD.state AND (OLD.state, NEW.state) NOT IN {LEGAL} THEN
            RAISE EXCEPTION 'a channel that is % cannot become %', OLD.state, NEW.state USING ERRCODE = 'check_violation';
          END IF;
          RETURN NEW;
        END $$
    """)
    op.execute("""
        CREATE TRIGGER guard_state BEFORE INSERT OR UPDATE OF state ON channels.channel
        FOR EACH ROW EXECUTE FUNCTION channels.guard_state()
    """)
    op.execute(f"""
        CREATE TABLE channels.lifecycle_step (
          id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT lifecycle_step_pkey PRIMARY KEY,
          channel_id integer NOT NULL,
          entity_id integer NOT NULL,
          from_state text,
          to_state text NOT NULL,
          recorded_at timestamptz NOT NULL,
          actor text NOT NULL,
          actor_name text NOT NULL,
          reason text,
          checks jsonb,
          CONSTRAINT lifecycle_step_channel_id_entity_id_fkey
            FOREIGN KEY (channel_id, entity_id) REFERENCES channels.channel (id, entity_id),
          CONSTRAINT lifecycle_step_legal_check CHECK (
            (from_state IS NULL AND to_state IN ('proposed', 'live')) OR (from_state, to_state) IN {LEGAL}
          )
        )
    """)
    op.execute("CREATE INDEX lifecycle_step_channel_id_id_idx ON channels.lifecycle_step (channel_id, id)")
    _shadows()
    for table in ("lifecycle_step", "shadow_line"):
        isolate(f"channels.{table}")
        grant(f"channels.{table}", "SELECT, INSERT")


def _shadows() -> None:
    op.execute("""
        ALTER TABLE channels.event
          DROP CONSTRAINT event_outcome_check, DROP CONSTRAINT event_parked_reason_check,
          DROP CONSTRAINT event_detail_check
    """)
    op.execute("""
        ALTER TABLE channels.event
          ADD CONSTRAINT event_outcome_check CHECK (outcome IN ('posted', 'parked', 'shadowed')),
          ADD CONSTRAINT event_parked_reason_check
            CHECK (CASE outcome WHEN 'parked' THEN reason IS NOT NULL WHEN 'posted' THEN reason IS NULL ELSE true END),
          ADD CONSTRAINT event_detail_check CHECK (detail IS NULL OR reason IS NOT NULL)
    """)
    op.execute("""
        CREATE INDEX event_shadowed_idx ON channels.event (entity_id, channel_id, recorded_at)
        WHERE outcome = 'shadowed'
    """)
    op.execute("""
        CREATE TABLE channels.shadow_line (
          channel_id integer NOT NULL,
          event_id text NOT NULL,
          position integer NOT NULL,
          entity_id integer NOT NULL,
          recorded_at timestamptz NOT NULL,
          kind text NOT NULL,
          item_id integer NOT NULL,
          location_id integer,
          quantity bigint NOT NULL,
          shortage bigint NOT NULL DEFAULT 0,
          CONSTRAINT shadow_line_pkey PRIMARY KEY (channel_id, event_id, position),
          CONSTRAINT shadow_line_shortage_check CHECK (shortage BETWEEN 0 AND quantity)
        )
    """)
    op.execute("CREATE INDEX shadow_line_channel_id_recorded_at_idx ON channels.shadow_line (channel_id, recorded_at)")


def downgrade() -> None:
    """Go back to on and off: what is not live is off, and what was shadowed is parked."""
    op.execute("DROP TABLE channels.shadow_line, channels.lifecycle_step")
    op.execute("DROP TRIGGER guard_state ON channels.channel")
    op.execute("DROP FUNCTION channels.guard_state()")
    op.execute("ALTER TABLE channels.channel DROP CONSTRAINT channel_state_check")
    op.execute("ALTER TABLE channels.channel ALTER COLUMN state TYPE boolean USING state = 'live'")
    op.execute("ALTER TABLE channels.channel RENAME COLUMN state TO active")
    op.execute("ALTER TABLE channels.channel ALTER COLUMN active SET DEFAULT true")
    op.execute("DROP INDEX channels.event_shadowed_idx")
    op.execute("""
        ALTER TABLE channels.event
          DROP CONSTRAINT event_outcome_check, DROP CONSTRAINT event_parked_reason_check,
          DROP CONSTRAINT event_detail_check
    """)
    op.execute("ALTER TABLE channels.event NO FORCE ROW LEVEL SECURITY")
    op.execute("""
        UPDATE channels.event SET outcome = 'parked', reason = coalesce(reason, 'channel_inactive')
        WHERE outcome = 'shadowed'
    """)
    op.execute("ALTER TABLE channels.event FORCE ROW LEVEL SECURITY")
    op.execute("""
        ALTER TABLE channels.event
          ADD CONSTRAINT event_outcome_check CHECK (outcome IN ('posted', 'parked')),
          ADD CONSTRAINT event_parked_reason_check CHECK ((outcome = 'parked') = (reason IS NOT NULL)),
          ADD CONSTRAINT event_detail_check CHECK (detail IS NULL OR outcome = 'parked')
    """)
