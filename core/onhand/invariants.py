"""The core's own laws: walls between entities stand (I10), nothing due waits and what is given up says why (I11)."""

from onhand.contributions import Invariant
from onhand.jobs.invariants import INVARIANTS as JOB_INVARIANTS
from onhand.migrate.ddl import APP_ROLE

__all__ = ["INVARIANTS"]

WITHOUT_WALL = ("onhand.enablement", "onhand.outbox")
"""Tables of the site's own whose rows name an entity: what is switched on where, and what is yet to be told."""
ANY_ACCESS = "SELECT, INSERT, UPDATE, DELETE"

WALLS = f"""
WITH reachable AS (
  SELECT c.oid, n.nspname || '.' || c.relname AS name, c.relispartition, c.relrowsecurity AND c.relforcerowsecurity AS walled
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p') AND left(n.nspname, 3) <> 'pg_' AND n.nspname <> 'information_schema'
    AND has_table_privilege('{APP_ROLE}', c.oid, '{ANY_ACCESS}')
), entity AS (
  SELECT r.* FROM reachable r
  JOIN pg_attribute a ON a.attrelid = r.oid AND a.attname = 'entity_id' AND a.attnotnull AND NOT a.attisdropped
  WHERE NOT r.relispartition AND r.name <> ALL (ARRAY{list(WITHOUT_WALL)})
)
SELECT name, 'has no forced row-level security' AS fault FROM entity WHERE NOT walled
UNION ALL
SELECT e.name, 'policy ' || p.polname || ' lets rows of other entities through' FROM entity e
JOIN pg_policy p ON p.polrelid = e.oid
WHERE p.polpermissive AND (
  (p.polcmd IN ('*', 'w', 'd') AND coalesce(pg_get_expr(p.polqual, p.polrelid), '') NOT LIKE '%onhand.entities%')
  OR (p.polcmd IN ('*', 'a', 'w')
      AND coalesce(pg_get_expr(p.polwithcheck, p.polrelid), '') NOT LIKE '%onhand.entities%')
  OR (p.polcmd = 'r' AND EXISTS (SELECT FROM pg_policy w WHERE w.polrelid = e.oid AND w.polcmd = '*')))
UNION ALL
SELECT name, 'is a partition that can be asked past its wall' FROM reachable WHERE relispartition
UNION ALL
SELECT rolname, 'may pass every wall' FROM pg_roles WHERE rolname = '{APP_ROLE}' AND (rolsuper OR rolbypassrls)
"""

INVARIANTS = [
    Invariant(
        code="I10",
        name="walls_stand",
        explains="Every table of entities' rows that the application reaches has the wall between them, and no way round.",
        sql=WALLS,
    ),
    *JOB_INVARIANTS,
]
