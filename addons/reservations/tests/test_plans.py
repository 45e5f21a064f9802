"""How the engine finds what a hold needs: a key's rows, and no others, though the plans were made for nearly empty tables."""

from itertools import count

import pytest
from onhand import transaction
from onhand.db import cursor, db
from onhand.idempotency import digest_of
from onhand.transaction import run
from onhand_reservations.keyed import Keyed, carry_out_holds

HELD_BEFORE = 40
HOT = {
    ("onhand", "idempotency_key"),
    ("reservations", "hold"),
    ("reservations", "hold_line"),
    ("stock", "balance"),
    ("stock", "movement"),
}
READ = """
SELECT schemaname, relname, seq_tup_read, coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables
WHERE seq_scan + coalesce(idx_scan, 0) > 0
"""
WHOLE = "set_config('enable_indexscan', 'off', true), set_config('enable_bitmapscan', 'off', true)"
_numbers = count()


def keyed(shop):
    key = f"key-{next(_numbers)}"
    return Keyed("token:1", key, digest_of(key.encode()), shop.entity.id, shop.wish({shop.sku: 1}))


@pytest.fixture
def read_by_a_hold(app, shop, superuser):
    """Hold on a connection of its own; return the rows that each hot table was read for."""

    def hold():
        def command(session, now):
            assert [status for status, _ in carry_out_holds(session, [keyed(shop)], now)] == [201]
            rows = cursor(session).execute(READ).fetchall()
            return {(schema, table): whole + found for schema, table, whole, found in rows if (schema, table) in HOT}

        with app.app_context():
            db.engine.dispose()
            return run(command, entities=(shop.entity.id,), is_hot=True)

    with app.app_context():
        shop.stock(1_000)
        wishes = [keyed(shop) for _ in range(HELD_BEFORE)]
        run(lambda session, now: carry_out_holds(session, wishes, now), entities=(shop.entity.id,), is_hot=True)
    superuser("ANALYZE")
    return hold


def test_a_hold_reads_its_own_rows_alone_however_small_the_tables_were(read_by_a_hold):
    read = read_by_a_hold()
    assert ("onhand", "idempotency_key") in read
    assert max(read.values()) < HELD_BEFORE // 4, read


def test_reading_tables_whole_would_be_seen(read_by_a_hold, monkeypatch):
    monkeypatch.setattr(transaction, "OPEN_HOT", f"{transaction.OPEN}, {WHOLE}")
    assert max(read_by_a_hold().values()) >= HELD_BEFORE
