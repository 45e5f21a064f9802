"""What must hold of the trail (I12), recomputed by the database alone: a second opinion beside `onhand audit verify`."""

from onhand.audit.digests import FORMAT, MOMENT, TEXTS
from onhand.contributions import Invariant

__all__ = ["INVARIANTS"]


def _prefixed(*texts: str) -> str:
    return " || ".join(
        f"int4send(coalesce(octet_length(convert_to({text}, 'UTF8')), -1)) || coalesce(convert_to({text}, 'UTF8'), '')"
        for text in texts
    )


INVARIANTS = [
    Invariant(
        code="I12",
        name="audit chain recomputes",
        explains="A row or block of the audit trail is not as it was sealed: `onhand audit verify` says more.",
        sql=f"""
            WITH sealed AS (
              SELECT b.number, t.id, t.leaf, t.place
              FROM onhand.audit_block b, unnest(b.ids, b.leaves) WITH ORDINALITY AS t (id, leaf, place)
            ), present AS (
              SELECT a.id, sha256({_prefixed(*TEXTS)}) AS leaf FROM onhand.audit a
              WHERE a.id <= (SELECT max(last_id) FROM onhand.audit_block)
            ), rooted AS (
              SELECT number, encode(sha256(string_agg(int8send(id) || leaf, '' ORDER BY place)), 'hex') AS root
              FROM sealed GROUP BY number
            ), chained AS (
              SELECT b.number, b.digest, b.previous, b.after_id,
                lag(b.digest) OVER w AS digest_before, lag(b.last_id, 1, 0::bigint) OVER w AS last_before,
                lag(b.number, 1, 0) OVER w AS number_before,
                sha256({
            _prefixed(
                f"'{FORMAT}'",
                "b.number::text",
                "b.after_id::text",
                "b.last_id::text",
                "cardinality(b.ids)::text",
                MOMENT.format("b.sealed_at"),
                "r.root",
                "encode(b.previous, 'hex')",
            )
        }) AS recomputed
              FROM onhand.audit_block b LEFT JOIN rooted r USING (number) WINDOW w AS (ORDER BY b.number)
            )
            SELECT 'row' AS what, number, coalesce(s.id, p.id) AS id
            FROM sealed s FULL JOIN present p ON p.id = s.id WHERE s.leaf IS DISTINCT FROM p.leaf
            UNION ALL
            SELECT 'block', number, NULL FROM chained
            WHERE digest <> recomputed OR previous IS DISTINCT FROM digest_before OR number <> number_before + 1
              OR after_id <> last_before
        """,
    ),
]
