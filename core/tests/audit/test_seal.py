"""Sealing: every row in exactly one block, whatever commits when; and a chain that recomputes."""

import threading
from datetime import timedelta

import psycopg
import pytest
from onhand import audit
from onhand.audit import sealing
from onhand.audit.invariants import INVARIANTS
from onhand.testing.people import TESTER
from onhand.transaction import every_entity, run

BLOCKS = "SELECT number, after_id, last_id, ids FROM onhand.audit_block ORDER BY number"


@pytest.fixture
def broken_laws(superuser):
    """What I12 finds, asked past every wall."""
    return lambda: superuser(INVARIANTS[0].sql)


def test_every_row_is_in_one_block_and_blocks_join(write, sealed, verified, superuser, broken_laws, monkeypatch):
    monkeypatch.setattr(sealing, "BLOCK_ROWS_MAX", 3)
    write(7)
    assert sealed() == 7
    blocks = superuser(BLOCKS)
    assert [len(ids) for *_, ids in blocks] == [3, 3, 1]
    assert [after for _, after, _, _ in blocks] == [0, blocks[0][2], blocks[1][2]]
    assert [id_ for *_, ids in blocks for id_ in ids] == [
        id_ for (id_,) in superuser("SELECT id FROM onhand.audit ORDER BY id")
    ]
    write(2)
    assert verified().unsealed == 2
    assert sealed() == 2
    found = verified()
    assert (found.blocks, found.rows, found.unsealed, found.faults) == (4, 9, 0, ())
    assert broken_laws() == []


def test_nothing_to_seal_makes_no_block(sealed, superuser, verified):
    assert sealed() == 0
    assert superuser(BLOCKS) == []
    assert verified() == type(verified())(0, 0, 0, None, ())


def test_rows_of_every_entity_and_of_the_group_are_sealed(write, sealed, entities, verified):
    a, b = entities
    for entity in (a, b, None):
        write(entity=entity)
    assert sealed() == 3
    assert verified().faults == ()


def test_a_row_waits_a_minute_or_for_a_full_block(write, app, superuser, monkeypatch):
    write(2)
    sealer = sealing.Sealer()
    with app.app_context():
        assert sealer.step() == 0
        monkeypatch.setattr(sealing, "BLOCK_ROWS_MAX", 2)
        assert sealer.step() == 2
        monkeypatch.setattr(sealing, "BLOCK_ROWS_MAX", 1_000)
    write()
    with app.app_context():
        assert sealer.step() == 0
        assert sealing.Sealer(timedelta(0)).step() == 1


def test_an_entity_founded_meanwhile_is_not_left_out(write, app, superuser, entities):
    write()
    with app.app_context():
        scope = every_entity()
        superuser(
            "INSERT INTO onhand.entity (code, name, currency, country, time_zone, recorded_at)"
            " VALUES ('C', 'C', 'EUR', 'AT', 'UTC', now())"
        )
        last = run(lambda session, _: sealing.horizon(session)[0], entities=scope)
        assert run(lambda session, now: sealing.seal(session, last, now=now), entities=scope) == []
        assert sealing.seal_now() == 1


class Late:
    """A transaction that draws its id early and commits when told."""

    def __init__(self, app, entity):
        self.app, self.entity = app, entity
        self.drawn, self.go = threading.Event(), threading.Event()
        self.thread = threading.Thread(target=self._work)

    def _work(self):
        def command(session, now):
            audit.record(session, TESTER, "thing.change", "thing:late", entity_id=self.entity.id)
            session.flush()
            self.drawn.set()
            assert self.go.wait(30)

        with self.app.app_context():
            run(command, entities=[self.entity.id])

    def __enter__(self):
        self.thread.start()
        assert self.drawn.wait(30)
        return self

    def __exit__(self, *_):
        self.go.set()
        self.thread.join(30)


def naive(session, now):
    """The twin: seals whatever it sees, as a loop over `id > last` would."""
    last, _, _ = sealing.horizon(session)
    return sealing.seal(session, last, now=now)


def test_naive_sealing_leaves_out_a_row_that_commits_late(app, write, entities, verified):
    """The control."""
    with Late(app, entities[0]):
        write()
        with app.app_context():
            assert run(naive, entities=every_entity())
    assert [fault.what for fault in verified().faults] == ["row inserted"]


def test_sealing_waits_for_a_row_that_commits_late(app, write, entities, verified, sealed, superuser):
    with Late(app, entities[0]) as late:
        write()
        with app.app_context():
            assert sealing.seal_now(patience_seconds=0.2) == 0, "an earlier row may still come"
        assert superuser(BLOCKS) == []
        sealing_thread = threading.Thread(target=sealed)
        sealing_thread.start()
        late.go.set()
        sealing_thread.join(30)
    assert [len(ids) for *_, ids in superuser(BLOCKS)] == [2]
    assert verified().faults == ()


def test_no_step_waits_and_the_first_after_the_writers_end_seals(app, write, entities, superuser, verified):
    sealer = sealing.Sealer(timedelta(0))
    with app.app_context():
        with Late(app, entities[0]):
            write()
            assert [sealer.step(), sealer.step()] == [0, 0]
            write()
        assert superuser(BLOCKS) == []
        assert sealer.step() == 2, "not what came after it looked"
    assert (verified().unsealed, verified().faults) == (1, ())


def test_a_stream_of_writers_does_not_hold_sealing_up(app, write, entities, sealed, verified):
    """Only those who wrote when it looked are waited for, not those who come after."""
    write()
    with app.app_context():
        up_to, _, busy = run(lambda session, _: sealing.horizon(session), entities=every_entity())
        with Late(app, entities[0]):
            assert not busy
            assert run(lambda session, _: sealing.writers(session), entities=())
            assert len(run(lambda session, now: sealing.seal(session, up_to, now=now), entities=every_entity())) == 1
    assert sealed() == 1
    assert verified().faults == ()


def test_of_two_sealers_each_row_is_sealed_once(app, write, verified):
    write(20)
    counts = []

    def work():
        with app.app_context():
            counts.append(sealing.seal_now())

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sum(counts) == 20
    assert (verified().blocks, verified().faults) == (1, ())


def test_writers_and_sealers_at_once_leave_no_row_out(app, write, sealed, verified, entities, monkeypatch):
    monkeypatch.setattr(sealing, "BLOCK_ROWS_MAX", 5)
    writers = [threading.Thread(target=write, args=(12,)) for _ in range(4)]
    for thread in writers:
        thread.start()
    while any(thread.is_alive() for thread in writers):
        sealed()
    while sealed():
        pass
    found = verified()
    assert (found.rows, found.unsealed, found.faults) == (48, 0, ())


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE onhand.audit_block SET digest = ''",
        "DELETE FROM onhand.audit_block",
        "TRUNCATE onhand.audit_block",
        "INSERT INTO onhand.audit (id, actor, actor_name, action, subject) OVERRIDING SYSTEM VALUE VALUES (1, '', '', '', '')",
    ],
)
def test_application_neither_changes_a_block_nor_chooses_an_id(write, sealed, onhand_site, statement):
    write()
    sealed()
    login = onhand_site.database.addresses.libpq("onhand_app", onhand_site.database.name)
    with psycopg.connect(login) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(statement.encode())


def test_a_row_names_the_newest_policy_version_that_was_known(write, superuser, entities, transact):
    write()
    [version] = superuser(
        "INSERT INTO onhand.policy_version (policy, value, effective_from, recorded_at, actor)"
        " VALUES ('x.y', '1', now(), now(), 'system:test') RETURNING id"
    )
    write()
    assert superuser("SELECT policy_version FROM onhand.audit ORDER BY id") == [(0,), version]
