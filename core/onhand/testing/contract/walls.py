"""Walls: in the database every table is closed to others as its model says."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from sqlalchemy import Table

from onhand.migrate.ddl import APP_ROLE, ENTITY_WALL

__all__ = ["wall_faults"]

Ask = Callable[..., list[tuple[Any, ...]]]
TABLES = """
SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity, c.relispartition, coalesce(a.attnotnull, false),
  (SELECT coalesce(array_agg(DISTINCT coalesce(nullif(g.grantee, 0)::regrole::text, 'PUBLIC') || ' ' || g.privilege_type), '{}')
   FROM aclexplode(c.relacl) g WHERE g.grantee <> c.relowner)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'entity_id'
WHERE n.nspname = %s AND c.relkind IN ('r', 'p') AND c.relname <> 'alembic_version' ORDER BY c.relname
"""
POLICIES = """
SELECT c.relname, p.polcmd, p.polpermissive AND p.polroles = '{0}', pg_get_expr(p.polqual, c.oid),
  pg_get_expr(p.polwithcheck, c.oid)
FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid WHERE c.relnamespace = to_regnamespace(%s)
"""
WALL_AS_KEPT = (
    "CREATE TEMP TABLE wall_of_contract (entity_id integer)",
    f"CREATE POLICY entity_wall ON wall_of_contract USING ({ENTITY_WALL})",
)
NEVER_THE_APPS = ("TRUNCATE", "REFERENCES", "TRIGGER", "MAINTAIN")


class Policy(NamedTuple):
    """A policy of row-level security: the command it is for, and the rows seen and written."""

    command: str
    is_for_all: bool
    using: str | None
    check: str | None


def wall_faults(ask: Ask, schema: str, tables: Iterable[Table]) -> list[str]:
    """Return where the walls and grants in the database are not what the tables declare.

    Entity tables have forced row-level security and the one wall; others have none; partitions have no grants, since
    row-level security of the parent does not reach those who ask a partition.
    """
    scopes = {table.name: table.info.get("scope") for table in tables}
    wall = _wall(ask)
    policies: dict[str, list[Policy]] = {}
    for name, *policy in ask(POLICIES, schema):
        policies.setdefault(name, []).append(Policy(*policy))
    faults, there = [], set()
    for name, is_forced, is_partition, is_not_null, grants in ask(TABLES, schema):
        where = f"{schema}.{name}"
        there.add(name)
        faults += [f"{where}: {grant} is granted" for grant in grants if is_partition or _is_excessive(grant)]
        if is_partition:
            continue
        if name not in scopes:
            faults.append(f"{where} is in the database, but no model declares it")
        elif scopes[name] == "entity":
            faults += _closed_faults(where, wall, policies.get(name, []), is_forced=is_forced, is_not_null=is_not_null)
        elif not _is_open(scopes[name], wall, policies.get(name, [])):
            faults.append(f"{where} is no entity table, yet has policies: {policies[name]}")
    return faults + [f"{schema}.{name} is declared, but not in the database" for name in sorted(scopes.keys() - there)]


def _closed_faults(
    where: str, wall: str, policies: list[Policy], *, is_forced: bool, is_not_null: bool
) -> Iterator[str]:
    if not is_forced:
        yield f"{where} is an entity table without forced row-level security"
    if policies != [Policy("*", True, wall, wall)]:
        yield f"{where} has other policies than the one wall between entities: {policies}"
    if not is_not_null:
        yield f"{where}.entity_id may be null in the database"


def _is_open(scope: str | None, wall: str, policies: list[Policy]) -> bool:
    """What is no entity's has no policy; the group may have it that writing takes the scope of the entity concerned."""
    allowed = {
        Policy("r", True, "true", None),
        Policy("a", True, None, wall),
        Policy("w", True, wall, wall),
        Policy("d", True, wall, None),
    }
    return not policies or (scope == "group" and allowed.issuperset(policies))


def _is_excessive(grant: str) -> bool:
    grantee, _, privilege = grant.partition(" ")
    return grantee == "PUBLIC" or (grantee == APP_ROLE and privilege in NEVER_THE_APPS)


def _wall(ask: Ask) -> str:
    """Return the wall as PostgreSQL writes it back."""
    for statement in WALL_AS_KEPT:
        ask(statement)
    [(wall,)] = ask(
        "SELECT pg_get_expr(polqual, polrelid) FROM pg_policy WHERE polrelid = 'pg_temp.wall_of_contract'::regclass"
    )
    ask("DROP TABLE pg_temp.wall_of_contract")
    return str(wall)
