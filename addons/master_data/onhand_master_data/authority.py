"""Which system is authoritative for which data of an entity, remembered per process and never behind its reader."""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Final

from onhand.actors import Actor
from onhand.db import cursor
from sqlalchemy.orm import Session

from onhand_master_data.catalogue import CatalogueVersion, version_seen

__all__ = ["DOMAINS", "ONHAND", "UNNAMED", "AuthorityBook", "Period", "admits", "authority", "book_of", "system_of"]

DOMAINS: Final = {
    "item_master": "Item master",
    "stock_ledger": "Stock ledger",
    "order_promising": "Order promising",
    "fulfilment_status": "Fulfilment status",
    "financial_posting": "Financial posting",
}
ONHAND: Final = "onhand"
"""The system that people at these pages, the command line and our own jobs write as."""
UNNAMED: Final = "(unnamed)"
"""A token without a source: some system, nobody knows which."""
READ = """
/* authority.read */ SELECT entity_id, domain, id, system, effective_from, effective_until FROM master_data.authority
WHERE effective_until IS DISTINCT FROM effective_from ORDER BY effective_from, id
"""


@dataclass(frozen=True, slots=True)
class Period:
    """From when until when a system is authoritative; without an end, until another is named."""

    id: int
    system: str
    effective_from: datetime
    effective_until: datetime | None

    def holds(self, at: datetime) -> bool:
        """Say whether it is in force at a time; its end is not part of it."""
        return self.effective_from <= at and (self.effective_until is None or at < self.effective_until)


class AuthorityBook:
    """The whole registry, as one transaction saw it. Never changed, so that threads may share it."""

    def __init__(self, rows: Iterable[tuple[int, str, int, str, datetime, datetime | None]] = ()) -> None:
        """Take rows in the order of their beginning; of one place no two overlap."""
        self._places: dict[tuple[int, str], tuple[list[datetime], list[Period]]] = {}
        for entity_id, domain, id_, system, effective_from, effective_until in rows:
            times, periods = self._places.setdefault((entity_id, domain), ([], []))
            periods.append(Period(id_, system, effective_from, effective_until))
            times.append(effective_from)

    def named(self, domain: str, entity_id: int, at: datetime) -> Period | None:
        """Return who is authoritative at a time; None where nobody is named: then everyone may write."""
        times, periods = self._places.get((entity_id, domain), ((), ()))
        position = bisect_right(times, at)
        return periods[position - 1] if position and periods[position - 1].holds(at) else None

    def __bool__(self) -> bool:
        """Say whether anybody is named anywhere."""
        return bool(self._places)


class _Shelf:
    """The book of the newest version that a thread of this process saw."""

    def __init__(self) -> None:
        self._kept: tuple[CatalogueVersion, AuthorityBook] | None = None
        self._lock = Lock()

    def book(self, session: Session) -> AuthorityBook:
        version = version_seen(session)
        kept = self._kept
        if version is None or version.own:
            return _read(session)
        if kept is not None and (kept[0].epoch, kept[0].authorities) == (version.epoch, version.authorities):
            return kept[1]
        book = _read(session)
        with self._lock:
            kept = self._kept
            if kept is None or kept[0].epoch != version.epoch or kept[0].n <= version.n:
                self._kept = (version, book)
        return book


_SHELF = _Shelf()


def _read(session: Session) -> AuthorityBook:
    return AuthorityBook((row[0], row[1], *row[2:]) for row in cursor(session).execute(READ).fetchall())


def book_of(session: Session) -> AuthorityBook:
    """Return the registry as this transaction sees it, from memory unless it changed.

    Where the transaction has resolved codes by a `Catalogue` it asks the database nothing; otherwise one tiny statement.
    """
    return _SHELF.book(session)


def authority(session: Session, domain: str, entity_id: int, at: datetime) -> str | None:
    """Return the system that is authoritative for a domain of an entity at a time; None: nobody is named.

    A source named on tokens, or `onhand`. Reads memory: see `book_of`.
    """
    if domain not in DOMAINS:
        raise ValueError(f"{domain!r} is no data domain; they are {', '.join(DOMAINS)}")
    named = book_of(session).named(domain, entity_id, at)
    return None if named is None else named.system


def admits(session: Session, domain: str, entity_id: int, system: str | None, at: datetime) -> bool:
    """Say whether a system may write a domain of an entity: it is the authoritative one, or nobody is named."""
    named = authority(session, domain, entity_id, at)
    return named is None or named == system


def system_of(by: Actor) -> str:
    """Return the system that someone writes as: the source of a token, for all others `onhand`."""
    if by.kind == "token":
        return by.source or UNNAMED
    return ONHAND
