"""States, service levels, money at risk, snoozing; indexes so that lists and counts stay fast."""

from alembic import op

revision = "exceptions_0002"
down_revision = "exceptions_0001"

OLD_VERBS = "'raised', 'reopened', 'assigned', 'unassigned', 'commented', 'resolved', 'closed'"
EVERYWHERE = """
SELECT set_config('onhand.entities', (SELECT '{' || coalesce(string_agg(id::text, ','), '') || '}' FROM onhand.entity), true)
"""
VERBS = OLD_VERBS + ", 'escalated', 'snoozed', 'woken'"


def upgrade() -> None:
    op.execute(EVERYWHERE)
    op.execute("""
        ALTER TABLE exceptions.exception
          ADD COLUMN state text,
          ADD COLUMN for_review boolean,
          ADD COLUMN kinds text[],
          ADD COLUMN due_at timestamptz,
          ADD COLUMN escalates_at timestamptz,
          ADD COLUMN escalation smallint NOT NULL DEFAULT 0
            CONSTRAINT exception_escalation_check CHECK (escalation BETWEEN 0 AND 2),
          ADD COLUMN unit_value_minor bigint,
          ADD COLUMN amount_minor bigint,
          ADD COLUMN snooze text CONSTRAINT exception_snooze_check CHECK (snooze IN ('date', 'worse', 'count')),
          ADD COLUMN snooze_until timestamptz,
          ADD COLUMN snooze_mark bigint,
          ADD COLUMN snooze_severity smallint;
        UPDATE exceptions.exception AS e SET
          state = CASE WHEN status = 'resolved' THEN 'resolved' WHEN reopened > 0 OR episode > 1 THEN 'regressed'
            ELSE 'new' END,
          for_review = status = 'open',
          due_at = opened_at + interval '24 hours',
          escalates_at = CASE WHEN status = 'open' THEN opened_at + interval '24 hours' END,
          kinds = (SELECT array_agg(v.kind ORDER BY v.kind) FROM exceptions.evidence AS v WHERE v.exception_id = e.id);
        UPDATE exceptions.exception SET kinds = ARRAY[kind] WHERE kinds IS NULL;
        ALTER TABLE exceptions.exception
          ALTER COLUMN state SET NOT NULL,
          ALTER COLUMN for_review SET NOT NULL,
          ALTER COLUMN kinds SET NOT NULL,
          ALTER COLUMN due_at SET NOT NULL,
          ADD CONSTRAINT exception_state_check CHECK (state IN ('new', 'ongoing', 'escalating', 'regressed', 'resolved')),
          ADD CONSTRAINT exception_state_status_check CHECK ((state = 'resolved') = (status = 'resolved')),
          ADD CONSTRAINT exception_review_check CHECK (NOT for_review OR (status = 'open' AND snooze IS NULL)),
          ADD CONSTRAINT exception_snoozed_check CHECK (
            (snooze IS NULL OR status = 'open')
            AND (snooze IS NOT DISTINCT FROM 'date') = (snooze_until IS NOT NULL)
            AND (snooze IS NOT NULL AND snooze <> 'date') = (snooze_mark IS NOT NULL)
            AND (snooze IS NOT DISTINCT FROM 'worse') = (snooze_severity IS NOT NULL));
        ALTER TABLE exceptions.activity DROP CONSTRAINT activity_verb_check
    """)
    _verbs(VERBS)
    op.execute("""
        CREATE INDEX exception_order_idx ON exceptions.exception (severity DESC, first_seen_at, id) WHERE status = 'open';
        CREATE INDEX exception_review_idx ON exceptions.exception (entity_id, severity DESC, first_seen_at, id)
          WHERE for_review;
        CREATE INDEX exception_state_idx ON exceptions.exception (entity_id, state, severity DESC, first_seen_at, id)
          WHERE status = 'open';
        CREATE INDEX exception_snoozed_idx ON exceptions.exception (entity_id, severity DESC, first_seen_at, id)
          WHERE snooze IS NOT NULL;
        CREATE INDEX exception_wakes_idx ON exceptions.exception (entity_id, snooze_until) WHERE snooze = 'date';
        CREATE INDEX exception_escalates_idx ON exceptions.exception (entity_id, escalates_at)
          WHERE escalates_at IS NOT NULL AND snooze IS NULL;
        CREATE INDEX exception_age_idx ON exceptions.exception (entity_id, first_seen_at) WHERE status = 'open';
        CREATE INDEX exception_amount_idx ON exceptions.exception (entity_id, amount_minor)
          WHERE status = 'open' AND amount_minor IS NOT NULL;
        CREATE INDEX exception_location_id_idx ON exceptions.exception (entity_id, location_id) WHERE status = 'open';
        CREATE INDEX exception_sku_idx ON exceptions.exception (entity_id, sku text_pattern_ops);
        CREATE INDEX exception_kinds_idx ON exceptions.exception USING gin (kinds);
        CREATE INDEX exception_text_idx ON exceptions.exception USING gin (
          to_tsvector('simple', title || ' ' || coalesce(sku, '') || ' ' || coalesce(location, '')));
        DROP INDEX exceptions.exception_owner_idx;
        CREATE INDEX exception_owner_idx
          ON exceptions.exception (owner_user_id, entity_id, severity DESC, first_seen_at, id) WHERE status = 'open'
    """)


def downgrade() -> None:
    op.execute(EVERYWHERE)
    op.execute("""
        DROP INDEX exceptions.exception_owner_idx;
        DROP INDEX exceptions.exception_order_idx;
        DROP INDEX exceptions.exception_text_idx;
        DROP INDEX exceptions.exception_sku_idx;
        CREATE INDEX exception_owner_idx ON exceptions.exception (owner_user_id) WHERE status = 'open';
        DROP INDEX exceptions.exception_age_idx;
        DROP INDEX exceptions.exception_location_id_idx;
        ALTER TABLE exceptions.exception
          DROP CONSTRAINT exception_state_status_check,
          DROP COLUMN state, DROP COLUMN for_review, DROP COLUMN kinds, DROP COLUMN due_at, DROP COLUMN escalates_at,
          DROP COLUMN escalation, DROP COLUMN unit_value_minor, DROP COLUMN amount_minor, DROP COLUMN snooze,
          DROP COLUMN snooze_until, DROP COLUMN snooze_mark, DROP COLUMN snooze_severity;
        DELETE FROM exceptions.activity WHERE verb IN ('escalated', 'snoozed', 'woken');
        ALTER TABLE exceptions.activity DROP CONSTRAINT activity_verb_check
    """)
    _verbs(OLD_VERBS)


def _verbs(verbs: str) -> None:
    op.execute(f"ALTER TABLE exceptions.activity ADD CONSTRAINT activity_verb_check CHECK (verb IN ({verbs}))")
