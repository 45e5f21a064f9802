"""The core's laws: each is broken by hand, past every wall, and found."""

import pytest
from onhand.invariants import INVARIANTS
from onhand.jobs import enqueue
from onhand.transaction import run
from onhand_probe import jobs as probe_jobs

LAWS = {law.name: law for law in INVARIANTS}
PARKED = "ALTER TABLE onhand.job ADD CONSTRAINT job_parked_check CHECK (status <> 'parked' OR error IS NOT NULL)"


@pytest.fixture
def found(site):
    """What breaks a law, as the owner of the tables sees it."""
    return lambda name: site.owner(LAWS[name].sql.replace("%", "%%"))


@pytest.mark.parametrize("name", LAWS)
def test_an_honest_site_breaks_no_law(site, found, name):
    run(lambda s, now: enqueue(s, probe_jobs.note, args={"mood": "good"}), entities=[])
    assert found(name) == []


DUE = "now() - interval '61 seconds'"
WAITING = {
    "job": f"UPDATE onhand.job SET due_at = {DUE}",
    "outbox": "INSERT INTO onhand.outbox (hook, entity_id, payload, due_at, recorded_at)"
    f" SELECT 'x', {{a}}, '{{{{}}}}', {DUE}, now()",
}


@pytest.mark.parametrize("what", WAITING)
def test_what_is_due_and_waits_is_found(site, found, what):
    run(lambda s, now: enqueue(s, probe_jobs.note, args={"mood": "good"}), entities=[])
    site.owner(WAITING[what].format(a=site.a))
    assert [row[0] for row in found("nothing due waits")] == [what]


@pytest.mark.parametrize("fault", ["error = NULL, attempts = 1", "error = 'why', attempts = 0"])
def test_a_job_given_up_without_a_reason_or_a_try_is_found(site, found, fault):
    run(lambda s, now: enqueue(s, probe_jobs.note, args={"mood": "good"}), entities=[])
    site.owner("ALTER TABLE onhand.job DROP CONSTRAINT job_parked_check")
    try:
        site.owner("UPDATE onhand.job SET status = 'parked', error = 'why', attempts = 1")
        assert found("parked jobs say why") == []
        site.owner(f"UPDATE onhand.job SET {fault}")
        assert len(found("parked jobs say why")) == 1
    finally:
        site.owner("DELETE FROM onhand.job")
        site.owner(PARKED)


WALL = "USING (entity_id = ANY((SELECT nullif(current_setting('onhand.entities', true), '')::int[])::int[]))"
HOLES = {
    "not forced": ("ALTER TABLE onhand.walled NO FORCE ROW LEVEL SECURITY", "has no forced row-level security"),
    "off": ("ALTER TABLE onhand.walled DISABLE ROW LEVEL SECURITY", "has no forced row-level security"),
    "reads all": ("CREATE POLICY hole ON onhand.walled FOR SELECT USING (true)", "policy hole lets"),
    "writes all": ("CREATE POLICY hole ON onhand.walled FOR INSERT WITH CHECK (true)", "policy hole lets"),
    "anything": ("ALTER POLICY entity_wall ON onhand.walled USING (true)", "policy entity_wall lets"),
    "partition": ("GRANT SELECT ON onhand.walled_1 TO onhand_app", "is a partition"),
}


@pytest.mark.parametrize("hole", HOLES)
def test_a_hole_in_a_wall_is_found(site, found, hole):
    sql, fault = HOLES[hole]
    site.owner("CREATE TABLE onhand.walled (entity_id int NOT NULL) PARTITION BY LIST (entity_id)")
    try:
        site.owner("CREATE TABLE onhand.walled_1 PARTITION OF onhand.walled FOR VALUES IN (1)")
        site.owner("ALTER TABLE onhand.walled ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
        site.owner(f"CREATE POLICY entity_wall ON onhand.walled {WALL} WITH CHECK {WALL.removeprefix('USING ')}")
        site.owner("GRANT SELECT, INSERT ON onhand.walled TO onhand_app")
        assert found("walls_stand") == []
        site.owner(sql)
        [(name, told)] = found("walls_stand")
        assert name == ("onhand.walled_1" if hole == "partition" else "onhand.walled")
        assert told.startswith(fault)
    finally:
        site.owner("DROP TABLE onhand.walled")
