"""The naive twins: what a reservation looks like before anybody thought of two customers at once.

Each is the usual code, on real connections against real tables of its own, and each loses its race: read, decide,
write what was read; check the clock that is at hand; lock line by line; look the key up and then use it. Where twins
meet at a barrier, that only makes sure that they do what they would do some day anyway.
"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import psycopg

__all__ = ["SCHEMA", "Twin", "at_once"]

SCHEMA = """
DROP SCHEMA IF EXISTS naive CASCADE;
CREATE SCHEMA naive;
CREATE TABLE naive.balance (item int PRIMARY KEY, available int NOT NULL, reserved int NOT NULL DEFAULT 0,
  shipped int NOT NULL DEFAULT 0);
CREATE TABLE naive.hold (id serial PRIMARY KEY, item int NOT NULL, quantity int NOT NULL,
  status text NOT NULL DEFAULT 'held', expires_at timestamptz NOT NULL DEFAULT now() + interval '15 minutes');
CREATE TABLE naive.answer (key text, body text);
CREATE TABLE naive.event (id int PRIMARY KEY);
"""
READ = "SELECT available, reserved FROM naive.balance WHERE item = %s"


def at_once(count: int, command: Callable[[int], Any]) -> list[Any]:
    """Run a command in so many threads and return what each returned or raised, in order."""

    def attempt(number: int) -> Any:
        try:
            return command(number)
        except psycopg.Error as error:
            return error

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(attempt, range(count)))


class Twin:
    """One process of the naive shop: a connection, and a meeting point after every decision."""

    def __init__(self, address: str, meet: threading.Barrier) -> None:
        self.connection = psycopg.connect(address)
        self._meet = meet

    def __enter__(self) -> "Twin":
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def one(self, sql: str, *values: Any) -> Any:
        row = self.connection.execute(sql.encode(), values).fetchone()
        assert row is not None
        return row[0] if len(row) == 1 else row

    def decide(self) -> None:
        """Everybody has read what they decide upon; nobody has written yet."""
        self._meet.wait(10)

    def hold(self, item: int, quantity: int) -> int | None:
        """Read what there is, decide, write what is left."""
        available, reserved = self.one(READ, item)
        self.decide()
        if available < quantity:
            self.connection.commit()
            return None
        sql = b"UPDATE naive.balance SET available = %s, reserved = %s WHERE item = %s"
        self.connection.execute(sql, (available - quantity, reserved + quantity, item))
        made: int = self.one("INSERT INTO naive.hold (item, quantity) VALUES (%s, %s) RETURNING id", item, quantity)
        self.connection.commit()
        return made

    def hold_lines(self, lines: Sequence[tuple[int, int]]) -> bool:
        """Check every line against what there is, then take every line."""
        if any(self.one(READ, item)[0] < quantity for item, quantity in lines):
            return False
        for item, quantity in lines:
            self.connection.execute(b"INSERT INTO naive.hold (item, quantity) VALUES (%s, %s)", (item, quantity))
        self.connection.commit()
        return True

    def hold_cart(self, items: Sequence[int]) -> None:
        """Lock line by line, in the order of the cart."""
        for number, item in enumerate(items):
            self.connection.execute(b"SELECT FROM naive.balance WHERE item = %s FOR UPDATE", (item,))
            if number == 0:
                self.decide()
        self.connection.commit()

    def keyed(self, key: str, item: int) -> str:
        """Look the key up; if nobody used it, act, and note the answer."""
        found = self.connection.execute(b"SELECT body FROM naive.answer WHERE key = %s", (key,)).fetchone()
        self.decide()
        if found is not None:
            return str(found[0])
        made = self.one("INSERT INTO naive.hold (item, quantity) VALUES (%s, 1) RETURNING id", item)
        self.connection.execute(b"INSERT INTO naive.answer VALUES (%s, %s)", (key, str(made)))
        self.connection.commit()
        return str(made)

    def confirm(self, hold: int, looked_at: datetime) -> bool:
        """Confirm what had not run out when it was last looked at."""
        status, expires_at = self.one("SELECT status, expires_at FROM naive.hold WHERE id = %s", hold)
        self.decide()
        if status != "held" or expires_at <= looked_at:
            return False
        self.connection.execute(b"UPDATE naive.hold SET status = 'confirmed' WHERE id = %s", (hold,))
        self.connection.commit()
        return True

    def end(self, hold: int, status: str, column: str, *, due_only: bool = False) -> bool:
        """Read that a hold is open, then move its unit from `reserved` to another column and close it."""
        open_ = "status IN ('held', 'confirmed')" + (" AND expires_at <= now()" if due_only else "")
        found = self.connection.execute(f"SELECT item FROM naive.hold WHERE id = %s AND {open_}".encode(), (hold,))
        row = found.fetchone()
        self.decide()
        if row is None:
            return False
        move = f"UPDATE naive.balance SET {column} = {column} + 1 WHERE item = %s"
        self.connection.execute(move.encode(), (row[0],))
        self.connection.execute(b"UPDATE naive.hold SET status = %s WHERE id = %s", (status, hold))
        self.connection.commit()
        return True

    def extend(self, hold: int) -> None:
        """Move the time on, whatever time it is."""
        sql = b"UPDATE naive.hold SET status = 'held', expires_at = now() + interval '15 minutes' WHERE id = %s"
        self.connection.execute(sql, (hold,))
        self.connection.commit()

    def take_in(self, ids: Sequence[int]) -> None:
        """Keep events one by one, as they came, each at most once."""
        for number, event in enumerate(ids):
            self.connection.execute(b"INSERT INTO naive.event VALUES (%s) ON CONFLICT DO NOTHING", (event,))
            if number == 0:
                self.decide()
        self.connection.commit()

    def queue_up(self, item: int, think_seconds: float) -> None:
        """Lock the hot row, think, write: whoever comes later waits for everybody before."""
        self.connection.execute(b"SELECT FROM naive.balance WHERE item = %s FOR UPDATE", (item,))
        self.connection.execute(b"SELECT pg_sleep(%s)", (think_seconds,))
        self.connection.commit()
