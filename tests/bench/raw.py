"""The other side of every ratio: what the same engine does with the naive use of it, driven by pgbench in C.

Tables have the columns, checks and indexes of ours (it is checked) and neither foreign keys, row-level
security nor partitions; ids are as sequential as ours. No idempotency key, no hold lines, no outbox.
"""

import re
import subprocess
import tempfile
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
from onhand.embedded import Services

from bench.measure import Run

__all__ = ["Raw"]

SETUP = """
DROP SCHEMA IF EXISTS raw CASCADE;
CREATE SCHEMA raw;
CREATE TABLE raw.balance (LIKE stock.balance INCLUDING ALL) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);
CREATE TABLE raw.hold (LIKE reservations.hold INCLUDING ALL) WITH (fillfactor = 80);
CREATE TABLE raw.movement (LIKE stock.movement INCLUDING ALL);
CREATE TABLE raw.event (LIKE channels.event INCLUDING ALL);
INSERT INTO raw.balance SELECT * FROM stock.balance;
"""
INDEXES = """
SELECT coalesce(array_agg(split_part(indexdef, ' USING ', 2) || ' ' || (indexdef LIKE 'CREATE UNIQUE%%')::text ORDER BY 1), '{}')
FROM pg_indexes WHERE schemaname = %s AND tablename = %s
"""
TWINS = {"balance": "stock", "movement": "stock", "hold": "reservations", "event": "channels"}
LEDGER_ROW = """
INSERT INTO raw.movement (recorded_at, entity_id, item_id, from_location_id, to_location_id, quantity, from_after, to_after,
    floor, occurred_at, from_state, to_state, kind, trigger, actor, source)
  VALUES (now(), 1, {item}, {place}, {to_place}, 1, 1, 1, {floor}, now(), '{source}', '{target}', '{kind}', 'hold', 'token:1', 'web');
"""
TAKE = """
UPDATE raw.balance SET available = available - 1, reserved = reserved + 1
  WHERE item_id = {item} AND location_id = {place} AND available >= 1;
"""
HOLD = """
INSERT INTO raw.hold (id, entity_id, channel_id, reference, status, held_at, expires_at, actor)
  VALUES (uuidv7(), 1, 1, 'order', 'held', now(), now() + interval '15 minutes', 'token:1');
"""
NUMBERED = "CAST(lpad(to_hex(CAST(:number AS bigint)), 32, '0') AS uuid)"
CONFIRM = f"""
BEGIN;
UPDATE raw.hold SET status = 'confirmed', confirmed_at = now(), confirmed_by = 'token:1'
  WHERE id = {NUMBERED} AND status = 'held';
COMMIT;
"""
SETTLE = f"""
BEGIN;
UPDATE raw.balance SET reserved = reserved - 1{{back}}
  WHERE item_id = :item AND location_id = {{place}} AND reserved >= 1;
UPDATE raw.hold SET status = '{{status}}', settled_at = now()
  WHERE id = {NUMBERED} AND status IN ('held', 'confirmed');
{{entry}}
COMMIT;
"""
PREPARED = """
INSERT INTO raw.hold (id, entity_id, channel_id, reference, status, held_at, expires_at, actor, confirmed_at, confirmed_by)
SELECT lpad(to_hex(n), 32, '0')::uuid, 1, 1, 'order', CASE WHEN %(firm)s THEN 'confirmed' ELSE 'held' END, now(),
  now() + interval '1 day', 'token:1', CASE WHEN %(firm)s THEN now() END, CASE WHEN %(firm)s THEN 'token:1' END
FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS n
"""
DUE = """
INSERT INTO raw.hold (id, entity_id, channel_id, reference, status, held_at, expires_at, actor)
SELECT uuidv7(), 1, 2, (%(item)s::int + n %% %(items)s::int)::text, 'held', now(), now(), 'token:1'
FROM generate_series(1, %(count)s::int) AS n
"""
EXPIRE = """
WITH due AS MATERIALIZED (
  SELECT id, CAST(reference AS int) AS item_id FROM raw.hold
  WHERE status = 'held' AND expires_at <= now() AND channel_id = 2
  ORDER BY expires_at LIMIT 500 FOR NO KEY UPDATE SKIP LOCKED
), gone AS (
  UPDATE raw.hold h SET status = 'expired', settled_at = now(), release_event = 'timeout' FROM due WHERE h.id = due.id
), back AS (
  UPDATE raw.balance b SET available = b.available + d.units, reserved = b.reserved - d.units
  FROM (SELECT item_id, count(*) AS units FROM due GROUP BY 1) d WHERE b.item_id = d.item_id AND b.location_id = {place}
)
INSERT INTO raw.movement (recorded_at, entity_id, item_id, from_location_id, to_location_id, quantity, from_after, to_after,
    occurred_at, from_state, to_state, kind, trigger, actor, source, reason)
  SELECT now(), 1, item_id, {place}, {place}, 1, 1, 1, now(), 'reserved', 'available', 'release', 'hold', 'system', 'web',
    'timeout' FROM due;
"""
EXPIRED_AT_ONCE = 500
INTAKE = """
BEGIN;
INSERT INTO raw.event (channel_id, event_id, entity_id, outcome, type, occurred_at, recorded_at, posted_at, body)
  SELECT 1, uuidv7()::text, 1, 'posted', 'onhand.sale.v1', now(), now(), now(), '' FROM unnest(array_fill(1, ARRAY[1000]));
UPDATE raw.balance b SET available = b.available - 1 FROM unnest(
    (SELECT array_agg(i) FROM generate_series(:first, :first + 999) i)) AS k (item_id)
  WHERE b.item_id = k.item_id AND b.location_id = {place};
INSERT INTO raw.movement (recorded_at, entity_id, item_id, from_location_id, quantity, from_after, occurred_at, from_state, to_state,
    kind, trigger, actor, source)
  SELECT now(), 1, k.item_id, {place}, 1, 1, now(), 'available', 'customer', 'sale', 'event', 'token:1', 'web'
  FROM unnest((SELECT array_agg(i) FROM generate_series(:first, :first + 999) i)) AS k (item_id);
COMMIT;
"""
ATP = """
SELECT item_id, location_id, available FROM raw.balance
WHERE item_id = ANY (ARRAY(SELECT generate_series(:first, :first + 49))) AND location_id = ANY ('{{{locations}}}'::int[]);
"""
ADD_UP = """
SELECT item_id, to_location_id, to_state, sum(quantity) FROM stock.movement GROUP BY 1, 2, 3
UNION ALL SELECT item_id, from_location_id, from_state, -sum(quantity) FROM stock.movement GROUP BY 1, 2, 3
"""
AS_OF = """
SELECT location_id, state, sum(units) FROM (
  SELECT to_location_id AS location_id, to_state AS state, quantity AS units FROM stock.movement
  WHERE item_id = :item AND to_location_id IS NOT NULL AND occurred_at <= '{moment}' AND recorded_at <= '{moment}'
  UNION ALL
  SELECT from_location_id, from_state, -quantity FROM stock.movement
  WHERE item_id = :item AND from_location_id IS NOT NULL AND occurred_at <= '{moment}' AND recorded_at <= '{moment}'
) entries GROUP BY 1, 2;
"""
LINES = 5


class Raw:
    """pgbench against tables of the same columns and indexes, in the same cluster."""

    def __init__(self, services: Services, item_ids: Sequence[int], location_id: int) -> None:
        self._services = services
        self._first, self._last = min(item_ids), max(item_ids)
        self._place = location_id
        self._numbered = 1
        with self._connect() as connection:
            connection.execute(SETUP.encode())
            connection.execute("VACUUM ANALYZE raw.balance")
            for table, schema in TWINS.items():
                found = [connection.execute(INDEXES, (name, table)).fetchone() for name in ("raw", schema)]
                if found[0] != found[1]:
                    raise RuntimeError(f"the indexes of raw.{table} are not those of {schema}.{table}: {found}")

    def hold(self, spread: str, callers: int, seconds: float) -> Run:
        """A transaction each: one unit of a random item (`spread`), of the same item (`hot`), or of five (`lines5`).

        Five are taken in the order of their ids, or raw would deadlock.
        """
        items, script = [":item"], f"\\set item random({self._first}, {self._last})\n"
        if spread == "hot":
            script = f"\\set item {self._first}\n"
        elif spread == "lines5":
            step = (self._last - self._first + 1) // LINES
            script = f"\\set first random({self._first}, {self._first + step - 1})\n"
            script += "".join(f"\\set item{line} :first + {line * step}\n" for line in range(LINES))
            items = [f":item{line}" for line in range(LINES)]
        take = "".join(TAKE.format(item=item, place=self._place) for item in items)
        entries = "".join(self._entry(item, "available", "reserved", "reserve", floor="0") for item in items)
        return self._timed(f"{script}BEGIN;{take}{HOLD}{entries}COMMIT;\n", callers, seconds)

    def settle(self, verb: str, callers: int, seconds: float) -> Run:
        """Confirm, fulfil or release holds made beforehand, each once, a transaction each."""
        share = max(2, int(seconds * 8_000) // callers)
        first = self._prepare(callers * share, firm=verb == "fulfil")
        items = self._last - self._first + 1
        script = f"\\set number {first} + :client_id * {share} + :turn\n\\set turn :turn + 1\n"
        script += f"\\set item {self._first} + :number % {items}\n"
        if verb == "confirm":
            script += CONFIRM
        else:
            kind, target = ("ship", "customer") if verb == "fulfil" else ("release", "available")
            script += SETTLE.format(
                place=self._place,
                back="" if verb == "fulfil" else ", available = available + 1",
                status="fulfilled" if verb == "fulfil" else "released",
                entry=self._entry(":item", "reserved", target, kind),
            )
        return self._pgbench(script, callers, "-t", str(share), "-D", "turn=0")

    def expire(self, count: int) -> Run:
        """Let holds go whose time is up, 500 a statement, one after another."""
        items = self._last - self._first + 1
        with self._connect() as connection:
            connection.execute(
                "UPDATE raw.balance SET reserved = reserved + %s WHERE location_id = %s", (count, self._place)
            )
            connection.execute(DUE.encode(), {"item": self._first, "items": items, "count": count})
            connection.execute("VACUUM raw.balance, raw.hold")
        run = self._pgbench(EXPIRE.format(place=self._place), 1, "-t", str(count // EXPIRED_AT_ONCE))
        return Run(run.ops * EXPIRED_AT_ONCE, run.seconds)

    def intake(self, callers: int, seconds: float) -> Run:
        """A thousand sales of a thousand items in one transaction; operations are events."""
        first = f"\\set first random({self._first}, {self._last - 999})\n"
        run = self._timed(first + INTAKE.format(place=self._place), callers, seconds)
        return Run(run.ops * 1000, run.seconds)

    def atp(self, callers: int, seconds: float, location_ids: Sequence[int]) -> Run:
        """The balances of 50 items at 20 locations."""
        script = f"\\set first random({self._first}, {self._first + 150})\n"
        return self._timed(script + ATP.format(locations=",".join(map(str, location_ids))), callers, seconds)

    def add_up(self, entries: int) -> Run:
        """Add the whole ledger up once, by item, place and state."""
        with self._connect() as connection:
            started = time.perf_counter()
            connection.execute(ADD_UP.encode()).fetchall()
            return Run(entries, time.perf_counter() - started)

    def as_of(self, callers: int, seconds: float, moment: datetime) -> Run:
        """What an item's balances were at a time."""
        script = f"\\set item random({self._first}, {self._last})\n"
        return self._timed(script + AS_OF.format(moment=moment.isoformat()), callers, seconds)

    def _entry(self, item: str, source: str, target: str, kind: str, floor: str = "NULL") -> str:
        to_place = "NULL" if target == "customer" else str(self._place)
        return LEDGER_ROW.format(
            item=item, place=self._place, to_place=to_place, floor=floor, source=source, target=target, kind=kind
        )

    def _prepare(self, count: int, *, firm: bool) -> int:
        """Make numbered holds, and return the first one's number."""
        first, self._numbered = self._numbered, self._numbered + count
        with self._connect() as connection:
            values: dict[str, Any] = {"first": first, "last": first + count - 1, "firm": firm}
            connection.execute(PREPARED.encode(), values)
            connection.execute(
                "UPDATE raw.balance SET reserved = reserved + %s WHERE location_id = %s", (count, self._place)
            )
            connection.execute("VACUUM raw.balance, raw.hold")
        return first

    def _connect(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self._services.libpq("postgres", "onhand"), autocommit=True)

    def _timed(self, script: str, callers: int, seconds: float) -> Run:
        return self._pgbench(script, callers, "-T", str(max(1, round(seconds))))

    def _pgbench(self, script: str, callers: int, *how_long: str) -> Run:
        with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
            # one statement a line: pgbench ends a statement at the semicolon, however many lines it took
            file.write(script)
            file.flush()
            Path(file.name).chmod(0o644)
            command = [
                str(self._services.bin_dir / "pgbench"), "-M", "prepared", "-n", "-c", str(callers),
                "-j", str(min(callers, 2)), *how_long, "-f", file.name, self._services.libpq("postgres", "onhand"),
            ]  # fmt: skip
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"pgbench said: {done.stderr}")
        rate = float(_found(r"tps = ([\d.]+)", done.stdout))
        count = int(_found(r"number of transactions actually processed: (\d+)", done.stdout))
        return Run(count, count / rate)


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    if match is None:
        raise RuntimeError(f"pgbench said: {text}")
    return match[1]
