"""Outbox, jobs and schedules."""

from alembic import op
from onhand.migrate import grant

revision = "onhand_0003"
down_revision = "onhand_0002"

# Rows here live for moments: vacuum by count, not by share of the table, and without pausing, so that the few live
# rows are not read past thousands of dead ones.
SHORT_LIVED = """
  autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0,
  autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 10000,
  autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 5000
"""


def upgrade() -> None:
    op.execute(f"""
        CREATE TABLE onhand.outbox (
          id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT outbox_pkey PRIMARY KEY,
          hook text NOT NULL,
          entity_id integer NOT NULL,
          payload jsonb NOT NULL,
          due_at timestamptz NOT NULL,
          recorded_at timestamptz NOT NULL
        ) WITH ({SHORT_LIVED})
    """)
    op.execute("CREATE INDEX outbox_due_at_id_idx ON onhand.outbox (due_at, id)")
    grant("onhand.outbox", "SELECT, INSERT, UPDATE, DELETE")  # UPDATE is what a row lock asks for
    op.execute(f"""
        CREATE TABLE onhand.job (
          id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT job_pkey PRIMARY KEY,
          queue text NOT NULL,
          actor text NOT NULL,
          entity_id integer,
          args jsonb NOT NULL,
          key text,
          status text NOT NULL DEFAULT 'queued'
            CONSTRAINT job_status_check CHECK (status IN ('queued', 'running', 'parked')),
          due_at timestamptz NOT NULL,
          sent_at timestamptz,
          attempts integer NOT NULL DEFAULT 0,
          attempts_max integer NOT NULL,
          claim uuid,
          error text,
          recorded_at timestamptz NOT NULL,
          CONSTRAINT job_attempts_check CHECK (attempts >= 0 AND attempts_max > 0),
          CONSTRAINT job_claim_check CHECK ((status = 'running') = (claim IS NOT NULL)),
          CONSTRAINT job_parked_check CHECK (status <> 'parked' OR error IS NOT NULL)
        ) WITH ({SHORT_LIVED})
    """)
    op.execute("CREATE INDEX job_due_at_idx ON onhand.job (due_at) WHERE status <> 'parked'")
    op.execute("CREATE UNIQUE INDEX job_actor_key_idx ON onhand.job (actor, key) WHERE key IS NOT NULL")
    op.execute("CREATE INDEX job_claim_idx ON onhand.job (claim) WHERE claim IS NOT NULL")
    grant("onhand.job", "SELECT, INSERT, UPDATE, DELETE")
    op.execute("""
        CREATE TABLE onhand.schedule (
          name text NOT NULL CONSTRAINT schedule_pkey PRIMARY KEY,
          actor text NOT NULL,
          every interval,
          cron text,
          due_at timestamptz NOT NULL,
          ran_at timestamptz,
          CONSTRAINT schedule_rhythm_check CHECK (num_nonnulls(every, cron) = 1 AND every > interval '0')
        )
    """)
    grant("onhand.schedule", "SELECT, INSERT, UPDATE, DELETE")


def downgrade() -> None:
    op.execute("DROP TABLE onhand.schedule, onhand.job, onhand.outbox")
