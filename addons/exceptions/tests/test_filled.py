"""A database that is filled already comes along: the owner of the tables sees every entity's rows while they change."""

from importlib import import_module

import pytest
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

FROM_STATES = (
    "0002_states", "0003_desk", "0004_owners", "0005_tally", "0006_digests", "0007_unit_values", "0008_words", "0009_webhooks",
    "0010_led_to", "0011_filed", "0012_filed_where",
)  # fmt: skip
PLANT = """
INSERT INTO exceptions.exception (id, entity_id, cause_key, episode, status, kind, severity, title, quantity, count,
  first_seen_at, last_seen_at, opened_at, reopened)
VALUES (gen_random_uuid(), :entity, 'k', 1, 'open', 'leak', 1, '1 missing', 1, 1, now(), now(), now(), 1)
"""


@pytest.fixture
def owner(onhand_site, app):
    """A connection that may change tables, of which nothing stays."""
    engine = create_engine(onhand_site.database.owner_url, poolclass=NullPool)
    with engine.connect() as connection, connection.begin() as transaction:
        yield connection
        transaction.rollback()
    engine.dispose()


def test_what_was_open_before_states_were_kept_has_one_afterwards(owner, entities):
    steps = [import_module(f"onhand_exceptions.migrations.versions.{name}") for name in FROM_STATES]
    a, b = entities
    with Operations.context(MigrationContext.configure(owner)):
        for step in reversed(steps):
            step.downgrade()
        for entity in (a, b):
            owner.execute(text("SELECT set_config('onhand.entities', :one, true)"), {"one": f"{{{entity.id}}}"})
            owner.execute(text(PLANT), {"entity": entity.id})
        owner.execute(text("SELECT set_config('onhand.entities', '', true)"))
        for step in steps:
            step.upgrade()
    found = owner.execute(
        text("SELECT entity_id, state, kinds, for_review FROM exceptions.exception ORDER BY entity_id")
    )
    assert [tuple(row) for row in found] == [(entity.id, "regressed", ["leak"], True) for entity in (a, b)]
