import psycopg
import pytest
from access_site import TESTER
from onhand import audit
from onhand.db import cursor
from onhand.transaction import run


def record(entity_id):
    def command(session, now):
        audit.record(session, TESTER, "thing.change", "thing:1", {"a": 1}, {"a": 2}, "because", entity_id)

    return command


def test_row_is_kept_with_the_change_or_not_at_all(site):
    def failing(session, now):
        record(site.a)(session, now)
        session.flush()
        raise RuntimeError

    with pytest.raises(RuntimeError):
        site.run(failing)
    assert site.owner("SELECT count(*) FROM onhand.audit") == [(0,)]
    site.run(record(site.a))
    assert site.owner("SELECT actor, action, before, after, reason FROM onhand.audit") == [
        ("system:test", "thing.change", {"a": 1}, {"a": 2}, "because")
    ]


@pytest.mark.parametrize("sql", ["UPDATE onhand.audit SET reason = 'x'", "DELETE FROM onhand.audit"])
def test_application_cannot_change_or_delete_a_row(site, sql):
    site.run(record(site.a))
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        site.run(lambda session, now: cursor(session).execute(sql))


def test_row_of_another_entity_can_neither_be_read_nor_written(site):
    site.run(record(site.b))
    with site.app.app_context():
        seen = run(lambda s, now: cursor(s).execute("SELECT count(*) FROM onhand.audit").fetchone(), entities=[site.a])
        assert seen == (0,)
        with pytest.raises(Exception, match="row-level security"):
            run(lambda s, now: (record(site.b)(s, now), s.flush()), entities=[site.a])
