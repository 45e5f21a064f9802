"""What the application's login may not do, whatever code runs in it: the database says so, not we."""

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from onhand.testing import Entity
from onhand.testing.site import Site
from psycopg import errors

Try = Callable[..., list[tuple[Any, ...]]]
MOVEMENT = "INSERT INTO stock.movement (entity_id, recorded_at) VALUES ({entity}, now())"
BALANCE = "INSERT INTO stock.balance (item_id, location_id, entity_id) VALUES (1, 1, {entity})"


@pytest.fixture
def attempt(onhand_site: Site, entities: tuple[Entity, Entity]) -> Iterator[Try]:
    """Run SQL as the application, within the scope of both entities, and take it back."""
    login = onhand_site.database.addresses.libpq("onhand_app", onhand_site.database.name)
    with psycopg.connect(login) as connection:
        scope = ",".join(str(entity.id) for entity in entities)
        connection.execute("SELECT set_config('onhand.entities', %s, false)", (f"{{{scope}}}",))
        connection.commit()

        def run(*statements: str) -> list[tuple[Any, ...]]:
            try:
                for statement in statements:
                    answer = connection.execute(statement.replace("{entity}", str(int(entities[0]))).encode())
                return answer.fetchall() if answer.description else []
            finally:
                connection.rollback()

        yield run


@pytest.mark.parametrize(
    "statement",
    [
        MOVEMENT,
        "UPDATE stock.movement SET quantity = 1",
        "DELETE FROM stock.movement",
        BALANCE,
        "UPDATE stock.balance SET available = 1",
        "DELETE FROM stock.balance",
        "TRUNCATE stock.balance",
    ],
)
def test_ledger_and_balances_are_not_its_own_to_write(attempt: Try, statement: str) -> None:
    with pytest.raises(errors.InsufficientPrivilege):
        attempt(statement)


@pytest.mark.parametrize("statement", [MOVEMENT, BALANCE])
def test_who_posts_takes_on_the_role_that_may(attempt: Try, statement: str) -> None:
    """The control: under the writer's role the same statement is refused for what it says, if at all, not by right."""
    with pytest.raises(errors.IntegrityError):
        attempt("SET LOCAL ROLE onhand_stock", statement)


@pytest.mark.parametrize("role", ["onhand_owner", "postgres"])
def test_it_becomes_nobody_stronger(attempt: Try, role: str) -> None:
    with pytest.raises(errors.InsufficientPrivilege):
        attempt(f"SET ROLE {role}")


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE stock.own ()",
        "CREATE TABLE onhand.own ()",
        "CREATE TABLE public.own ()",
        "CREATE SCHEMA own",
        "CREATE ROLE own",
        "ALTER TABLE onhand.audit DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE onhand.audit NO FORCE ROW LEVEL SECURITY",
        "DROP POLICY entity_wall ON onhand.audit",
        "CREATE POLICY back_door ON onhand.audit USING (true)",
        "ALTER ROLE onhand_app BYPASSRLS",
        "GRANT onhand_owner TO onhand_app",
    ],
)
def test_it_changes_neither_tables_nor_walls_nor_roles(attempt: Try, statement: str) -> None:
    with pytest.raises(errors.InsufficientPrivilege):
        attempt(statement)


def test_turning_row_level_security_off_for_itself_shows_an_error_not_the_rows(attempt: Try) -> None:
    with pytest.raises(errors.InsufficientPrivilege, match="row-level security"):
        attempt("SET LOCAL row_security = off", "SELECT * FROM onhand.audit")


@pytest.mark.parametrize("table", ["onhand.audit", "onhand.enablement", "onhand.policy_version"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET actor = ''", "DELETE FROM {}", "TRUNCATE {}"])
def test_history_is_only_added_to(attempt: Try, table: str, statement: str) -> None:
    with pytest.raises(errors.InsufficientPrivilege):
        attempt(statement.format(table))


def test_nothing_is_granted_on_any_partition(superuser: Try) -> None:
    granted = superuser(
        "SELECT c.oid::regclass::text FROM pg_class c, aclexplode(c.relacl) AS g"
        " WHERE c.relispartition AND c.relkind IN ('r', 'p') AND g.grantee <> c.relowner"
    )
    assert granted == []
    assert superuser("SELECT count(*) > 0 FROM pg_class WHERE relispartition AND relkind = 'r'") == [(True,)]
