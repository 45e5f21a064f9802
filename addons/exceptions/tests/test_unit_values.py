"""What a unit is worth was a policy of exceptions' own once: what people had said comes along to the ledger's."""

from importlib import import_module

import pytest
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

OLD, NEW = "exceptions.unit_value_minor", "stock.unit_value_minor"
PLANT = """
INSERT INTO onhand.policy_version (policy, item_id, value, effective_from, recorded_at, actor, reason)
VALUES (:policy, :item, CAST(:value AS jsonb), now(), now(), 'system:test', :reason)
"""
SAID = [
    (OLD, 1, "300", "a guess"), (OLD, 2, "450", None), (OLD, 2, "null", None), (OLD, 3, "100", None),
    (NEW, 3, '"99.5"', None),
]  # fmt: skip


@pytest.fixture
def owner(onhand_site, app):
    """A connection that may change tables, of which nothing stays."""
    engine = create_engine(onhand_site.database.owner_url, poolclass=NullPool)
    with engine.connect() as connection, connection.begin() as transaction:
        yield connection
        transaction.rollback()
    engine.dispose()


def versions(owner):
    query = "SELECT policy, item_id, value::text, reason FROM onhand.policy_version ORDER BY id"
    return [tuple(row) for row in owner.execute(text(query))]


def test_what_was_said_is_carried_over_and_back_and_over_again(owner):
    migration = import_module("onhand_exceptions.migrations.versions.0007_unit_values")
    with Operations.context(MigrationContext.configure(owner)):
        migration.downgrade()
        for moment, (policy, item, value, reason) in enumerate(SAID):
            owner.execute(text(PLANT.replace("now(),", f"now() + interval '{moment} min',", 1)),
                          {"policy": policy, "item": item, "value": value, "reason": reason})  # fmt: skip
        before = versions(owner)
        migration.upgrade()
        after = versions(owner)
        migration.downgrade()
        assert versions(owner) == before
        migration.upgrade()
    assert versions(owner) == after
    assert [(policy, item, value) for policy, item, value, _ in after] == [
        (NEW, 1, '"300"'), (NEW, 2, '"450"'), (NEW, 2, "null"), (OLD, 3, "100"), (NEW, 3, '"99.5"'),
    ]  # fmt: skip
    assert after[0][3] == f"a guess {migration.MARK}"
