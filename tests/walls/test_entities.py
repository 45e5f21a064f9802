"""No row of one entity is readable or writable from another's scope, in any table of any installed add-on (I10)."""

from collections.abc import Iterator

import psycopg
import pytest
from onhand.addons import discover
from onhand.testing import Database, Entity
from onhand.testing.site import Site, Sites

from walls.planting import Planted, Table, declared_tables, plant, walled_tables

ADDONS = discover()
ELSEWHERE: tuple[str | None, ...] = (None, "", "{}", "{0}")
UPDATE = "UPDATE {} SET entity_id = entity_id"
DELETE = "DELETE FROM {}"
GIVE_AWAY = "UPDATE {} SET entity_id = %s WHERE entity_id = %s"
INSERT = "INSERT INTO {} (entity_id) VALUES (%s)"


@pytest.fixture
def sacrificed(onhand_sites: Sites, onhand_site: Site) -> Iterator[tuple[Database, int, int]]:
    """A database to be spoilt, with two entities."""
    with onhand_sites.databases.passing(onhand_site.addons) as database:
        made = database.superuser(
            "INSERT INTO onhand.entity (code, name, currency, country, time_zone, recorded_at)"
            " SELECT code, code, 'EUR', 'AT', 'UTC', now() FROM unnest('{A,B}'::text[]) AS code RETURNING id"
        )
        yield database, made[0][0], made[1][0]


def faults(planted: Planted, a: int, b: int, *, only_writes: bool = False) -> list[str]:
    """Return how the wall of a table can be passed, and where it stands in its own entity's way.

    What the group may read (`only_writes`) is still written by its own entity alone, and never changed.
    """
    tried: list[tuple[str, object, object]] = [
        *((f"writes within {scope!r}", planted.touched(scope, INSERT, a), None) for scope in ELSEWHERE),
        ("inserts for another", planted.touched(f"{{{a}}}", INSERT, b), None),
        ("inserts for itself", planted.touched(f"{{{a}}}", INSERT, a), 1),
        ("updates another's", planted.touched(f"{{{a}}}", f"{UPDATE} WHERE entity_id = %s", b), 0),
        ("deletes another's", planted.touched(f"{{{a}}}", f"{DELETE} WHERE entity_id = %s", b), 0),
        ("deletes all it can", planted.touched(f"{{{a}}}", f"{DELETE} WHERE entity_id IS NOT NULL"), 1),
    ]
    if not only_writes:
        tried += [
            *((f"sees within {scope!r}", planted.seen(scope) - {None}, set()) for scope in ELSEWHERE),
            ("sees of its own", planted.seen(f"{{{a}}}") - {None}, {a}),
            ("sees of both", planted.seen(f"{{{a},{b}}}") - {None}, {a, b}),
            ("updates all it can", planted.touched(f"{{{a}}}", f"{UPDATE} WHERE entity_id IS NOT NULL"), 1),
            ("gives its own away", planted.touched(f"{{{a}}}", GIVE_AWAY, b, a), None),
        ]
    return [f"{planted.table} {what}: {found}, not {wanted}" for what, found, wanted in tried if found != wanted]


def test_every_table_of_entities_is_walled(onhand_site: Site) -> None:
    installed = {"onhand", *(addon.noun for addon in ADDONS)}  # add-ons of other tests may share this process
    declared = {
        table for table, scope in declared_tables(ADDONS).items() if scope == "entity" and table.schema in installed
    }
    assert declared
    assert declared <= walled_tables(onhand_site.database)


def test_no_wall_of_any_table_can_be_passed(sacrificed: tuple[Database, int, int]) -> None:
    database, a, b = sacrificed
    scopes = declared_tables(ADDONS)
    tables = sorted(walled_tables(database), key=str)
    for table in tables:
        plant(database, table, (a, b))
    found = [
        fault
        for table in tables
        for fault in faults(Planted(database, table), a, b, only_writes=scopes[table] == "group")
    ]
    assert found == []


@pytest.mark.parametrize(
    "breach",
    [
        "ALTER TABLE {} DISABLE ROW LEVEL SECURITY",
        "CREATE POLICY back_door ON {} USING (true)",
        "ALTER POLICY entity_wall ON {} WITH CHECK (true)",
    ],
)
def test_breach_of_a_wall_is_found(sacrificed: tuple[Database, int, int], breach: str) -> None:
    """The control."""
    database, a, b = sacrificed
    table = Table("onhand", "audit")
    plant(database, table, (a, b))
    assert faults(Planted(database, table), a, b) == []
    database.superuser(breach.format(table))
    assert faults(Planted(database, table), a, b) != []


def test_owner_of_the_tables_is_walled_too(onhand_site: Site, entities: tuple[Entity, Entity]) -> None:
    """Forced row-level security: a migration that forgets the scope changes nothing rather than everything."""
    a, b = entities
    onhand_site.database.superuser(
        "INSERT INTO onhand.audit (entity_id, actor, actor_name, action, subject) VALUES (%s, '', '', '', ''), (%s, '', '', '', '')",
        a.id,
        b.id,
    )
    login = onhand_site.database.addresses.libpq("onhand_owner", onhand_site.database.name)
    with psycopg.connect(login) as connection:
        count = "SELECT count(*)::int FROM onhand.audit WHERE entity_id IS NOT NULL"
        assert connection.execute(count).fetchone() == (0,)
        connection.execute("SELECT set_config('onhand.entities', %s, true)", (f"{{{a.id}}}",))
        assert connection.execute(count).fetchone() == (1,)
