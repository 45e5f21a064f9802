"""A database per worker and set of add-ons, cloned from a migrated template, and clean before every test."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from graphlib import TopologicalSorter
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from onhand.addons import Addon
from onhand.embedded import Addresses
from onhand.embedded.addresses import OWNER, SUPERUSER
from onhand.migrate import upgrade
from onhand.testing.catalogue import Catalogue, catalogue
from onhand.testing.services import locked

__all__ = ["Database", "Databases"]

DELETED_BYTES_MAX = 2_000_000
TABLES = """
SELECT format('%I.%I', n.nspname, c.relname), c.oid::int,
  (SELECT coalesce(array_agg(f.confrelid::int), '{}') FROM pg_constraint f WHERE f.conrelid = c.oid AND f.contype = 'f'),
  (SELECT coalesce(string_agg(format('%I', a.attname), ', ' ORDER BY k.place), '')
   FROM pg_constraint p, unnest(p.conkey) WITH ORDINALITY AS k(number, place), pg_attribute a
   WHERE p.conrelid = c.oid AND p.contype = 'p' AND a.attrelid = c.oid AND a.attnum = k.number)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
  AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_t%%'
ORDER BY 1
"""


class Database:
    """A migrated database, and the connection of its superuser for what tests must do past every wall."""

    def __init__(self, addresses: Addresses, name: str) -> None:
        self.addresses = addresses
        self.name = name
        self._connection = psycopg.connect(addresses.libpq(SUPERUSER, name), autocommit=True)
        self.superuser("SET lock_timeout = '5s'")
        self._reference: dict[str, _Reference] = {}
        self._emptied: dict[str, tuple[int, frozenset[int]]] = {}
        self._held: set[str] = set()
        self._look()

    @property
    def url(self) -> str:
        """The application's login."""
        return self.addresses.url(database=self.name)

    @property
    def owner_url(self) -> str:
        """The owner's login, for migrations."""
        return self.addresses.url(OWNER, self.name)

    def superuser(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run SQL past every wall, committed at once, and return the rows it gives, if any."""
        answer = self._connection.execute(query.encode(), values or None)
        return answer.fetchall() if answer.description else []

    @contextmanager
    def undone(self) -> Iterator[None]:
        """Undo at the end of the block what `superuser` did in it; nobody else sees it meanwhile."""
        with self._connection.transaction(force_rollback=True):
            yield

    def reset(self) -> None:
        """Empty every table but for the rows that migrations inserted. Ids go on, so no cache can mistake a row.

        Rows of reference tables that a test added or deleted are taken back; changes within such rows stay.
        """
        questions = [
            *(f"EXISTS (SELECT FROM {name})" for name in self._emptied),
            *(reference.fingerprint for reference in self._reference.values()),
        ]
        [answers] = self.superuser("SELECT " + ", ".join(questions))
        filled = [name for name, is_filled in zip(self._emptied, answers, strict=False) if is_filled]
        with self._connection.transaction():
            self._empty(filled)
            for reference, found in zip(self._reference.values(), answers[len(self._emptied) :], strict=True):
                if found != reference.pristine:
                    reference.restore(self._connection)

    def _empty(self, filled: Sequence[str]) -> None:
        """Delete where little was ever written, since TRUNCATE makes new files; truncate what has grown."""
        if not filled:
            return
        sizes = " + ".join(f"coalesce((SELECT sum(pg_relation_size(relid)) FROM pg_partition_tree('{name}')), "
                           f"pg_relation_size('{name}'))" for name in filled)  # fmt: skip
        if self.superuser(f"SELECT {sizes}")[0][0] <= DELETED_BYTES_MAX:
            self.superuser("; ".join(f"DELETE FROM {name}" for name in filled))
        else:
            whole = self._with_referrers(set(filled))
            if whole - self._held:
                self.superuser(f"TRUNCATE {', '.join(sorted(whole - self._held))}")
            # What rows of reference tables may name cannot be truncated without these.
            for name in [name for name in self._emptied if name in whole & self._held]:
                self.superuser(f"DELETE FROM {name}")

    def close(self) -> None:
        """Let go of the connection; the database goes with its server."""
        self._connection.close()

    def _look(self) -> None:
        emptied: dict[int, tuple[str, frozenset[int]]] = {}
        held: set[int] = set()
        for name, oid, references, key in self.superuser(TABLES):
            if name.endswith(".alembic_version"):
                continue
            if self.superuser(f"SELECT EXISTS (SELECT FROM {name})")[0][0]:
                self._reference[name] = _Reference(self._connection, name, key)
                held |= set(references)
            else:
                emptied[oid] = (name, frozenset(references))
        self._held = {name for oid, (name, _) in emptied.items() if oid in held}
        # Those that refer before those referred to.
        order = TopologicalSorter(
            {oid: (references - {oid}) & emptied.keys() for oid, (_, references) in emptied.items()}
        )
        for oid in reversed([*order.static_order()]):
            if oid in emptied:
                self._emptied[emptied[oid][0]] = (oid, emptied[oid][1])

    def _with_referrers(self, names: set[str]) -> set[str]:
        """Add the tables whose foreign keys lead to these: PostgreSQL empties them together or not at all."""
        reached = {self._emptied[name][0] for name in names}
        found: set[str] = set(names)
        while more := {n for n, (_, to) in self._emptied.items() if n not in found and to & reached}:
            found |= more
            reached |= {self._emptied[name][0] for name in more}
        return found


class _Reference:
    """The rows that migrations inserted into a table."""

    def __init__(self, connection: psycopg.Connection[Any], table: str, key: str) -> None:
        self._table, self._key = table, key or "*"
        self.fingerprint = f"(SELECT count(*) || ' ' || coalesce(sum(hashtextextended(ROW({key or 'r.*'})::text, 0)), 0) FROM {table} r)"
        with connection.cursor() as cursor, cursor.copy(f"COPY {table} TO STDOUT".encode()) as rows:
            self._rows = b"".join(bytes(chunk) for chunk in rows)
        found = connection.execute(f"SELECT {self.fingerprint}".encode()).fetchone()
        self.pristine = found[0] if found else None

    def restore(self, connection: psycopg.Connection[Any]) -> None:
        """Take back what was added or deleted, inside the transaction at hand."""
        for query in (f"CREATE TEMP TABLE pristine (LIKE {self._table}) ON COMMIT DROP",):
            connection.execute(query.encode())
        with connection.cursor() as cursor, cursor.copy(b"COPY pristine FROM STDIN") as copy:
            copy.write(self._rows)
        same = f"({self._key}) IN (SELECT {self._key} FROM pristine)"
        there = f"({self._key}) IN (SELECT {self._key} FROM {self._table})"
        connection.execute(f"DELETE FROM {self._table} WHERE NOT {same}".encode())
        connection.execute(
            f"INSERT INTO {self._table} OVERRIDING SYSTEM VALUE SELECT * FROM pristine WHERE NOT {there}".encode()
        )
        connection.execute(b"DROP TABLE pristine")


class Databases:
    """The databases of one worker: templates that all workers share, and copies of them."""

    def __init__(self, addresses: Addresses, *, worker: str, meeting: Path) -> None:
        self.addresses = addresses
        self._worker, self._lock = worker, meeting / "templates.lock"
        self._numbers = count(1)

    def clone(self, addons: Sequence[Addon]) -> Database:
        """Make a database with the tables of these add-ons: migrated once per test run, copied for whoever asks."""
        with self._template(addons) as (connection, template):
            name = f"{template.replace('template', 'test')}_{self._worker}_{next(self._numbers)}"
            create = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}")
            connection.execute(create.format(*map(sql.Identifier, (name, OWNER, template))))
        return Database(self.addresses, name)

    def catalogue(self, addons: Sequence[Addon]) -> Catalogue:
        """Return what a database with the tables of these add-ons, and nothing else, looks like."""
        with self._template(addons) as (_, template), self._connect(template) as connection:
            return catalogue(lambda query, *values: connection.execute(query, values).fetchall())

    @contextmanager
    def passing(self, addons: Sequence[Addon]) -> Iterator[Database]:
        """Make a database with the tables of these add-ons for as long as the block lasts.

        Its files go with the server's: dropping it would cost a checkpoint, for which all others wait.
        """
        database = self.clone(addons)
        try:
            yield database
        finally:
            database.close()

    @contextmanager
    def _template(self, addons: Sequence[Addon]) -> Iterator[tuple[psycopg.Connection[Any], str]]:
        """Name a migrated database, and keep it from all others: none may be connected to it while it is copied."""
        key = hashlib.sha256(" ".join(f"{addon.noun}={addon.package}" for addon in addons).encode()).hexdigest()[:10]
        template = f"template_{key}"
        # One lock for all templates: migrations make roles, which databases share.
        with locked(self._lock), self._connect("postgres") as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (template,)).fetchone():
                self._make_template(connection, template, addons)
            yield connection, template

    def _connect(self, database: str) -> psycopg.Connection[Any]:
        return psycopg.connect(self.addresses.libpq(SUPERUSER, database), autocommit=True)

    def _make_template(self, connection: psycopg.Connection[Any], template: str, addons: Sequence[Addon]) -> None:
        part = f"{template}_part"  # it gets its name when it is whole: a failed migration is tried, and told, again
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(part)))
        connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(part), sql.Identifier(OWNER)))
        upgrade(self.addresses.url(OWNER, part), addons)
        connection.execute(
            sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(part), sql.Identifier(template))
        )
