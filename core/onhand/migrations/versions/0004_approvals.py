"""Approvals, their rules, delegations, and reason codes."""

from alembic import op
from onhand.migrate import grant
from onhand.migrate.ddl import ENTITY_WALL

revision = "onhand_0004"
down_revision = "onhand_0003"

REASONS = [
    ("shrinkage", "Shrinkage", "Gone, and nobody knows how", ["write_off", "count_adjustment"]),
    ("damage", "Damage", "Broken, spoilt or soiled, not fit for sale", ["write_off", "markdown"]),
    ("count_error", "Count error", "Counted wrongly before; this puts it right", ["count_adjustment"]),
    ("theft", "Theft", "Stolen, with a report or a recording", ["write_off", "count_adjustment"]),
    ("expired", "Expired", "Past its date", ["write_off", "markdown"]),
    ("found", "Found", "There, though the book did not know", ["count_adjustment"]),
    ("system_correction", "System correction", "The system was wrong: a fault, a double or a lost entry",
     ["count_adjustment", "write_off"]),
    ("late_posting", "Late posting", "Happened before; entered only now", ["count_adjustment", "write_off"]),
    ("giveaway", "Sample, gift or donation", "Given away without being sold", ["write_off"]),
    ("internal_use", "Internal use", "Used by the house itself", ["write_off"]),
    ("price_drop", "Markdown", "Worth less: season, competition, clearance", ["markdown"]),
    ("supplier_error", "Supplier error", "The supplier sent more, less or something else",
     ["count_adjustment", "write_off"]),
    ("unit_error", "Pack or unit error", "Booked as another pack or unit than it was", ["count_adjustment"]),
    ("mislabelled", "Wrong label or item", "Booked as another item than it was", ["count_adjustment"]),
    ("quality", "Quality", "Does not come up to standard", ["write_off", "markdown"]),
    ("test_entry", "Test entry", "Entered to try something out; this takes it back", ["count_adjustment", "write_off"]),
    ("other", "Other", "None of the others: say what in the note", []),
]  # fmt: skip


def upgrade() -> None:
    _reasons()
    _approvals()
    _rules()


def _reasons() -> None:
    op.execute("""
        CREATE TABLE onhand.reason_code (
          code text CONSTRAINT reason_code_pkey PRIMARY KEY
            CONSTRAINT reason_code_code_check CHECK (code ~ '^[a-z][a-z0-9_]{0,39}$'),
          label text NOT NULL CONSTRAINT reason_code_label_check CHECK (label <> ''),
          help text NOT NULL DEFAULT '',
          kinds text[] NOT NULL,
          owner_user_id integer CONSTRAINT reason_code_owner_user_id_fkey REFERENCES onhand."user" (id),
          version integer NOT NULL DEFAULT 1,
          recorded_at timestamptz NOT NULL,
          retired_at timestamptz
        )
    """)
    grant("onhand.reason_code", "SELECT, INSERT, UPDATE (label, help, kinds, owner_user_id, version, retired_at)")
    for code, label, said, kinds in REASONS:
        op.execute(
            "INSERT INTO onhand.reason_code (code, label, help, kinds, recorded_at) "
            f"VALUES ('{code}', '{label}', '{said}', '{{{','.join(kinds)}}}', clock_timestamp())"
        )


def _approvals() -> None:
    op.execute("""
        CREATE TABLE onhand.approval (
          id uuid NOT NULL CONSTRAINT approval_pkey PRIMARY KEY,
          entity_id integer CONSTRAINT approval_entity_id_fkey REFERENCES onhand.entity (id),
          kind text NOT NULL,
          key text NOT NULL,
          status text NOT NULL,
          version integer NOT NULL,
          title text NOT NULL,
          location_id integer,
          location text,
          subject text,
          quantity bigint,
          amount_minor bigint,
          currency text,
          changes jsonb NOT NULL,
          atp_before bigint,
          atp_after bigint,
          evidence jsonb NOT NULL,
          payload jsonb NOT NULL,
          reason text,
          note text,
          requester text NOT NULL,
          requester_name text NOT NULL,
          requester_user_id integer CONSTRAINT approval_requester_user_id_fkey REFERENCES onhand."user" (id),
          weighed_quantity bigint NOT NULL,
          weighed_amount_minor bigint NOT NULL,
          steps jsonb NOT NULL,
          step smallint NOT NULL,
          waiting_role text,
          due_at timestamptz,
          reminded smallint NOT NULL,
          asked_at timestamptz NOT NULL,
          decided_at timestamptz,
          href text,
          result jsonb,
          CONSTRAINT approval_requester_kind_key_key UNIQUE (requester, kind, key),
          CONSTRAINT approval_status_check
            CHECK (status IN ('pending', 'approved', 'returned', 'rejected', 'withdrawn')),
          CONSTRAINT approval_waiting_check CHECK ((status = 'pending') = (waiting_role IS NOT NULL)),
          CONSTRAINT approval_decided_check
            CHECK ((status IN ('approved', 'rejected', 'withdrawn')) = (decided_at IS NOT NULL)),
          CONSTRAINT approval_step_check CHECK (step >= 0 AND step <= jsonb_array_length(steps)),
          CONSTRAINT approval_complete_check CHECK (status <> 'approved' OR step = jsonb_array_length(steps)),
          CONSTRAINT approval_version_check CHECK (version > 0),
          CONSTRAINT approval_amount_check CHECK ((amount_minor IS NULL) = (currency IS NULL)),
          CONSTRAINT approval_place_check CHECK (location_id IS NULL OR entity_id IS NOT NULL)
        )
    """)
    op.execute("CREATE INDEX approval_inbox_idx ON onhand.approval (entity_id, asked_at, id) WHERE status = 'pending'")
    op.execute("CREATE INDEX approval_list_idx ON onhand.approval (entity_id, status, asked_at DESC, id DESC)")
    op.execute("CREATE INDEX approval_requester_idx ON onhand.approval (requester, kind, asked_at)")
    op.execute("CREATE INDEX approval_due_at_idx ON onhand.approval (due_at) WHERE status = 'pending'")
    _wall("approval")
    # Not who asked, where, or for what kind: what decides about four eyes stands as it was written.
    grant(
        "onhand.approval",
        "SELECT, INSERT, UPDATE (status, version, title, subject, quantity, amount_minor, currency, changes, atp_before,"
        " atp_after, evidence, payload, reason, note, weighed_quantity, weighed_amount_minor, steps, step, waiting_role,"
        " due_at, reminded, decided_at, href, result)",
    )
    op.execute("""
        CREATE TABLE onhand.approval_activity (
          id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT approval_activity_pkey PRIMARY KEY,
          approval_id uuid NOT NULL CONSTRAINT approval_activity_approval_id_fkey REFERENCES onhand.approval (id),
          entity_id integer,
          version integer NOT NULL,
          verb text NOT NULL,
          tier smallint,
          role text,
          actor text NOT NULL,
          actor_name text NOT NULL,
          user_id integer,
          for_user_id integer,
          requester_user_id integer,
          note text,
          recorded_at timestamptz NOT NULL,
          CONSTRAINT approval_activity_verb_check CHECK (verb IN ('asked', 'passed', 'revised', 'approved', 'returned',
            'rejected', 'withdrawn', 'outdated', 'reminded', 'escalated')),
          CONSTRAINT approval_activity_person_check
            CHECK (verb <> 'approved' OR user_id IS NOT NULL AND role IS NOT NULL),
          CONSTRAINT approval_activity_four_eyes_check CHECK (verb <> 'approved' OR requester_user_id IS NULL
            OR user_id <> requester_user_id AND for_user_id IS DISTINCT FROM requester_user_id)
        )
    """)
    op.execute("CREATE INDEX approval_activity_approval_id_id_idx ON onhand.approval_activity (approval_id, id)")
    op.execute(
        "CREATE UNIQUE INDEX approval_activity_once_key ON onhand.approval_activity (approval_id, version, user_id)"
        " WHERE verb = 'approved'"
    )
    _wall("approval_activity")
    grant("onhand.approval_activity", "SELECT, INSERT")


def _rules() -> None:
    op.execute("""
        CREATE TABLE onhand.approval_rule (
          id integer GENERATED BY DEFAULT AS IDENTITY CONSTRAINT approval_rule_pkey PRIMARY KEY,
          kind text NOT NULL,
          entity_id integer CONSTRAINT approval_rule_entity_id_fkey REFERENCES onhand.entity (id),
          location_id integer,
          location text,
          amount_from_minor bigint,
          currency text,
          quantity_from bigint,
          tier smallint NOT NULL,
          role text NOT NULL,
          recorded_at timestamptz NOT NULL,
          actor text NOT NULL,
          retired_at timestamptz,
          CONSTRAINT approval_rule_tier_check CHECK (tier BETWEEN 1 AND 9),
          CONSTRAINT approval_rule_threshold_check CHECK (amount_from_minor >= 0 AND quantity_from >= 0),
          CONSTRAINT approval_rule_amount_check CHECK ((amount_from_minor IS NULL) = (currency IS NULL)),
          CONSTRAINT approval_rule_place_check CHECK (location_id IS NULL OR entity_id IS NOT NULL)
        )
    """)
    op.execute("CREATE INDEX approval_rule_kind_idx ON onhand.approval_rule (kind) WHERE retired_at IS NULL")
    _wall("approval_rule")
    grant("onhand.approval_rule", "SELECT, INSERT, UPDATE (retired_at)")
    op.execute("""
        CREATE TABLE onhand.delegation (
          id integer GENERATED BY DEFAULT AS IDENTITY CONSTRAINT delegation_pkey PRIMARY KEY,
          user_id integer NOT NULL CONSTRAINT delegation_user_id_fkey REFERENCES onhand."user" (id),
          delegate_id integer NOT NULL CONSTRAINT delegation_delegate_id_fkey REFERENCES onhand."user" (id),
          kinds text[],
          starts_at timestamptz NOT NULL,
          ends_at timestamptz NOT NULL,
          note text,
          recorded_at timestamptz NOT NULL,
          revoked_at timestamptz,
          CONSTRAINT delegation_other_check CHECK (user_id <> delegate_id),
          CONSTRAINT delegation_period_check CHECK (starts_at < ends_at)
        )
    """)
    op.execute("CREATE INDEX delegation_delegate_id_idx ON onhand.delegation (delegate_id)")
    op.execute("CREATE INDEX delegation_user_id_idx ON onhand.delegation (user_id)")
    grant("onhand.delegation", "SELECT, INSERT, UPDATE (revoked_at)")


def _wall(table: str) -> None:
    """As of the audit trail: what concerns the whole group has no entity, and permission decides who reads that."""
    wall = f"entity_id IS NULL OR {ENTITY_WALL}"
    op.execute(f"ALTER TABLE onhand.{table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE onhand.{table} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY entity_wall ON onhand.{table} USING ({wall}) WITH CHECK ({wall})")


def downgrade() -> None:
    op.execute(
        "DROP TABLE onhand.delegation, onhand.approval_rule, onhand.approval_activity, onhand.approval, onhand.reason_code"
    )
