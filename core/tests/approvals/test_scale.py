"""With many approvals a list costs what its page costs, whoever looks and whatever it is narrowed by."""

import json

import pytest
from onhand.access.services import RoleAt
from onhand.approvals import queries
from onhand.approvals.queries import Filter
from onhand.approvals.services.rows import kinds_of
from onhand.db import cursor

PAGE = 51
FILL = """
INSERT INTO onhand.approval (id, entity_id, kind, key, status, version, title, location_id, location, subject, quantity,
  changes, evidence, payload, requester, requester_name, requester_user_id, weighed_quantity, weighed_amount_minor, steps,
  step, waiting_role, due_at, reminded, asked_at, decided_at)
SELECT gen_random_uuid(), %(entity)s, CASE WHEN n %% 50 = 7 THEN 'bin.empty' ELSE 'bin.set' END, 'k' || n,
  CASE WHEN done THEN 'approved' ELSE 'pending' END, 1, n || ' in a bin', n %% 100, 'S' || n %% 100, 'bin:' || n, -20,
  '[]', '[]', '{}', 'user:' || %(who)s, 'Carla', %(who)s, 20, 0, '[{"tier": 1, "role": "store_manager"}]',
  CASE WHEN done THEN 1 ELSE 0 END,
  CASE WHEN NOT done THEN CASE WHEN n %% 10 = 3 THEN 'governance' ELSE 'store_manager' END END,
  CASE WHEN NOT done THEN now() END, 0, now() - n * interval '1 min', CASE WHEN done THEN now() END
FROM (SELECT n, n %% 3 = 0 AS done FROM generate_series(1, 12000) AS n) AS made
"""
WANTED = (
    Filter("waiting"), Filter("mine"), Filter("pending"), Filter("decided"), Filter("waiting", kind="bin.empty"),
    Filter("pending", kind="bin.empty"), Filter("pending", location="S9"), Filter("decided", location="S9"),
    Filter("waiting", location="S9"), Filter("pending", location="NOWHERE"), Filter("decided", kind="bin.never"),
)  # fmt: skip


@pytest.fixture
def many(house, transact, superuser):
    values = {"entity": house.entity.id, "who": house.clerk.id}
    transact(lambda session, _: cursor(session).execute(FILL, values) and None)
    superuser("ANALYZE onhand.approval, onhand.approval_activity")


def read(session, query):
    """Return how many approvals, and acts upon them, a query reads."""
    bind = session.connection()
    compiled = query.compile(bind, compile_kwargs={"render_postcompile": True})
    found = bind.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {compiled}", compiled.params).scalar_one()
    plan = (found if isinstance(found, list) else json.loads(found))[0]["Plan"]
    return sum(
        (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
        for node in _nodes(plan)
        if node.get("Relation Name") in ("approval", "approval_activity")
    )


def _nodes(plan):
    yield plan
    for part in plan.get("Plans", ()):
        yield from _nodes(part)


@pytest.mark.parametrize(("who", "places", "sees_group"), [
    ("manager", None, False), ("local", frozenset({7}), False), ("governor2", None, True), ("clerk", None, False),
])  # fmt: skip
def test_a_page_reads_a_page_or_what_there_is_at_a_place(house, many, person, transact, who, places, sees_group):
    local = person(RoleAt("store_manager", house.entity.id, 7))
    looks = local if who == "local" else getattr(house, who)

    def look(session, now):
        reach = {house.entity.id: places}
        reader = queries.reader_of(session, reach, sees_group=sees_group, person=looks.id, now=now)
        kinds = kinds_of(session)
        told = {wanted: read(session, queries.listed(reader, wanted, kinds).limit(PAGE)) for wanted in WANTED}
        assert len(queries.locations(session, reader)) == (1 if places else 100)
        return told

    found = transact(look)
    assert {wanted: rows for wanted, rows in found.items() if rows > 12 * PAGE} == {}
