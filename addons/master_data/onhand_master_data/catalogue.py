"""A read-through cache of resolved codes, kept per process and never behind the transaction that reads it."""

from collections.abc import Collection
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, TypeVar

from onhand.db import cursor
from onhand.transaction import context
from sqlalchemy.orm import Session

from onhand_master_data.resolve import Found, resolve_items, resolve_locations
from onhand_master_data.values import ItemRef, LocationRef

__all__ = ["SEEN", "Catalogue", "CatalogueVersion", "Resolved", "catalogue_version", "version_seen"]

T = TypeVar("T")
ITEMS_MAX = 100_000
LOCATIONS_MAX = 20_000
ASKED = "master_data_version_asked"
SEEN = "master_data_version_seen"
VERSION = """
/* master_data.version */ SELECT epoch::text, n, changed_in::text,
  coalesce(changed_in = pg_current_xact_id_if_assigned(), false), authorities FROM master_data.version
"""


@dataclass(frozen=True, slots=True)
class CatalogueVersion:
    """Which state of master data a transaction sees. `own`: it is itself the one that changed it, uncommitted.

    `authorities` moves on when the registry of authoritative systems changes, and then `n` does too.
    """

    epoch: str
    n: int
    changed_in: str
    own: bool
    authorities: int = 1


@dataclass(frozen=True, slots=True)
class Resolved:
    """What codes named: active items by SKU and by GTIN as given, active locations in scope by code."""

    by_sku: dict[str, ItemRef]
    by_gtin: dict[str, ItemRef]
    locations: dict[str, LocationRef]


@dataclass(slots=True)
class _Shelf:
    """What is known at one version. A reader fills the shelf of the version it saw, so nothing older gets on it."""

    version: CatalogueVersion | None = None
    by_sku: dict[str, ItemRef] = field(default_factory=dict)
    by_gtin: dict[str, ItemRef] = field(default_factory=dict)
    locations: dict[str, LocationRef] = field(default_factory=dict)


def catalogue_version(session: Session) -> CatalogueVersion | None:
    """Return the version of master data that the transaction sees now, in one tiny statement."""
    return _version(cursor(session).execute(VERSION).fetchone())


def version_seen(session: Session) -> CatalogueVersion | None:
    """Return the version that this transaction has resolved codes by, else the one it sees now.

    For what must be cheap rather than fresh; a transaction that changes master data should ask `catalogue_version`.
    """
    seen: CatalogueVersion | None = session.info.get(SEEN)
    if seen is None:
        seen = session.info[SEEN] = catalogue_version(session)
    return seen


def _version(row: tuple[Any, ...] | None) -> CatalogueVersion | None:
    return CatalogueVersion(*row) if row else None


class Catalogue:
    """Resolves codes from memory while master data stands still; share one per process between threads.

    Every write moves the version on in its own transaction, whichever process it happens in. Each call first asks for
    the version its transaction sees: what was renamed or deactivated by a commit visible to it is never answered from
    memory. A transaction that wrote master data itself reads past the cache. Only what was found is remembered.
    """

    def __init__(self, *, items_max: int = ITEMS_MAX, locations_max: int = LOCATIONS_MAX) -> None:
        self._items_max = items_max
        self._locations_max = locations_max
        self._shelf = _Shelf()
        self._lock = Lock()

    @staticmethod
    def ask(session: Session) -> None:
        """Ask for the version ahead of the next `resolve` of this transaction, which then need not wait for it.

        Worth it in a pipelined command, beside another statement whose answer is awaited anyway. Twice is once.
        """
        if ASKED not in session.info:
            session.info[ASKED] = cursor(session).execute(VERSION)

    def resolve(
        self,
        session: Session,
        *,
        skus: Collection[str] = (),
        gtins: Collection[str] = (),
        locations: Collection[str] = (),
    ) -> Resolved:
        """Return what the codes name: one tiny statement when all are known, at most two more when some are not."""
        asked = session.info.pop(ASKED, None)
        if asked is None:
            asked = cursor(session).execute(VERSION)
        version = session.info[SEEN] = _version(asked.fetchone())
        shelf = self._shelf_for(version)
        by_sku, missing_skus = _split(shelf.by_sku, skus)
        by_gtin, missing_gtins = _split(shelf.by_gtin, gtins)
        places, missing_places = _split(shelf.locations, locations)
        if missing_skus or missing_gtins:
            found = resolve_items(session, missing_skus, missing_gtins)
            by_sku |= found.by_sku
            by_gtin |= found.by_gtin
            self._keep_items(shelf, found)
        if missing_places:
            more = resolve_locations(session, missing_places)
            places |= more
            self._keep(shelf.locations, more, self._locations_max)
        scope = set(context(session).entities)
        within = {code: place for code, place in places.items() if place.entity_id in scope}
        return Resolved(by_sku, by_gtin, within)

    def _shelf_for(self, version: CatalogueVersion | None) -> _Shelf:
        """Return the shelf of this version: the shared one, a new shared one, or one that is thrown away after use."""
        if version is None or version.own:
            return _Shelf()
        with self._lock:
            shared = self._shelf.version
            if shared != version:
                if shared is not None and shared.epoch == version.epoch and shared.n > version.n:
                    return _Shelf()  # an older snapshot must neither read what it cannot see nor turn the clock back
                self._shelf = _Shelf(version)
            return self._shelf

    def _keep_items(self, shelf: _Shelf, found: Found) -> None:
        self._keep(shelf.by_sku, found.by_sku, self._items_max)
        self._keep(shelf.by_gtin, found.by_gtin, self._items_max)

    def _keep(self, kept: dict[str, T], found: dict[str, T], most: int) -> None:
        with self._lock:
            kept.update(found)
            while len(kept) > most:
                del kept[next(iter(kept))]


def _split(known: dict[str, T], codes: Collection[str]) -> tuple[dict[str, T], list[str]]:
    found = {code: ref for code in codes if (ref := known.get(code)) is not None}
    return found, [code for code in codes if code not in found] if len(found) < len(codes) else []
