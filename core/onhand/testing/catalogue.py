"""What PostgreSQL knows of a schema, as text that can be compared. Partitions are left out: time makes those."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

__all__ = ["SHAPE", "Catalogue", "catalogue", "differences"]

Catalogue = Mapping[str, str]
Ask = Callable[..., list[tuple[Any, ...]]]

QUERIES = {
    "schema": """
        SELECT quote_ident(n.nspname), pg_get_userbyid(n.nspowner) FROM pg_namespace n WHERE {ours}
    """,
    "table": """
        SELECT format('%I.%I', n.nspname, c.relname), concat_ws(' ', c.relkind, pg_get_userbyid(c.relowner),
          CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END, c.reloptions::text,
          CASE WHEN c.relrowsecurity THEN 'walled' END, CASE WHEN c.relforcerowsecurity THEN 'for its owner too' END,
          CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END)
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition AND {ours}
    """,
    "column": """
        SELECT format('%I.%I.%I', n.nspname, c.relname, a.attname), concat_ws(' ', format_type(a.atttypid, a.atttypmod),
          CASE WHEN a.attnotnull THEN 'NOT NULL' END, 'DEFAULT ' || pg_get_expr(d.adbin, d.adrelid),
          'IDENTITY ' || nullif(a.attidentity::text, ''), 'GENERATED ' || nullif(a.attgenerated::text, ''),
          CASE WHEN a.attcollation <> t.typcollation THEN 'COLLATE ' || a.attcollation::regcollation END)
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
          JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
        WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND a.attnum > 0 AND NOT a.attisdropped AND {ours}
    """,
    # Not-null constraints are told with their columns; where PostgreSQL names them, it does so as it likes.
    "constraint": """
        SELECT format('%I.%I.%I', n.nspname, c.relname, k.conname), pg_get_constraintdef(k.oid)
        FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE k.contype <> 'n' AND NOT c.relispartition AND {ours}
    """,
    "index": """
        SELECT format('%I.%I', n.nspname, i.relname), replace(pg_get_indexdef(x.indexrelid), ' ON ONLY ', ' ON ')
          || CASE WHEN x.indisvalid THEN '' ELSE ' invalid' END
        FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class c ON c.oid = x.indrelid
          JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE NOT c.relispartition AND c.relkind IN ('r', 'p', 'm') AND {ours}
    """,
    "policy": """
        SELECT format('%I.%I.%I', n.nspname, c.relname, p.polname), concat_ws(' ', p.polcmd,
          CASE WHEN p.polpermissive THEN 'permissive' ELSE 'restrictive' END, p.polroles::regrole[]::text,
          'USING ' || pg_get_expr(p.polqual, p.polrelid), 'WITH CHECK ' || pg_get_expr(p.polwithcheck, p.polrelid))
        FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE {ours}
    """,
    "trigger": """
        SELECT format('%I.%I.%I', n.nspname, c.relname, t.tgname), pg_get_triggerdef(t.oid)
        FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE NOT t.tgisinternal AND NOT c.relispartition AND {ours}
    """,
    "function": """
        SELECT format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)),
          pg_get_userbyid(p.proowner) || ' ' || pg_get_functiondef(p.oid)
        FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE p.prokind IN ('f', 'p') AND {ours}
    """,
    "sequence": """
        SELECT format('%I.%I', n.nspname, c.relname), format_type(s.seqtypid, NULL) || ' by ' || s.seqincrement
        FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'i') AND {ours}
    """,
    "type": """
        SELECT format('%I.%I', n.nspname, t.typname), t.typtype::text
        FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
        WHERE t.typrelid = 0 AND t.typelem = 0 AND {ours}
    """,
    "grant": """
        SELECT format('%s to %s', thing, coalesce(nullif(g.grantee, 0)::regrole::text, 'PUBLIC')),
          string_agg(g.privilege_type || CASE WHEN g.is_grantable THEN '*' ELSE '' END, ' ' ORDER BY g.privilege_type)
        FROM (
          SELECT quote_ident(n.nspname) AS thing, n.nspacl AS acl, n.nspowner AS owner FROM pg_namespace n WHERE {ours}
          UNION ALL
          SELECT format('%I.%I', n.nspname, c.relname), c.relacl, c.relowner
          FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE NOT c.relispartition AND {ours}
          UNION ALL
          SELECT format('%I.%I.%I', n.nspname, c.relname, a.attname), a.attacl, c.relowner
          FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
          WHERE {ours}
          UNION ALL
          SELECT format('%I.%I()', n.nspname, p.proname), coalesce(p.proacl, acldefault('f', p.proowner)), p.proowner
          FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE {ours}
        ) AS things, aclexplode(things.acl) AS g
        WHERE g.grantee <> things.owner GROUP BY thing, g.grantee
    """,
}
SHAPE = ("column", "constraint", "index")
"""The kinds of things that models declare; the rest only migrations say."""
OURS = (
    "n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%' AND (%s::text[] IS NULL OR n.nspname = ANY(%s))"
)


def catalogue(
    ask: Ask, schemas: Iterable[str] | None = None, *, kinds: Iterable[str] = tuple(QUERIES)
) -> dict[str, str]:
    """Return the things of these schemas, or of all but PostgreSQL's own: `kind name` to what it is.

    `ask(sql, *values)` runs SQL as somebody who may see everything.
    """
    wanted = None if schemas is None else list(schemas)
    found: dict[str, str] = {}
    for kind in kinds:
        query = QUERIES[kind]
        values = [wanted] * 2 * query.count("{ours}")
        escaped = query.replace("%", "%%").replace("{ours}", OURS.replace("LIKE 'pg\\_%'", "LIKE 'pg\\_%%'"))
        found |= {f"{kind} {name}": definition for name, definition in ask(escaped, *values)}
    return found


def differences(before: Catalogue, after: Catalogue, *, one: str = "before", other: str = "after") -> list[str]:
    """Return a sentence per thing that is not the same in both."""
    told = []
    for name in sorted(before.keys() | after.keys()):
        left, right = before.get(name), after.get(name)
        if left != right:
            told.append(f"{name}: {one} {left or 'nothing'}; {other} {right or 'nothing'}")
    return told
