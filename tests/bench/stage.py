"""The stage: services of our own, a migrated site, ten thousand items in stock, a web server, and raw tables beside."""

import gc
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from flask import Flask
from onhand.actors import Actor
from onhand.addons import Addon, discover
from onhand.addons.models import Entity
from onhand.app import create_app
from onhand.cli.gunicorn_conf import look_for_garbage_seldom
from onhand.cli.processes import THREADS, WORKERS_MAX
from onhand.config import Settings
from onhand.embedded import Services, services
from onhand.enablement import Change, change, create_entity
from onhand.migrate import upgrade
from onhand.supervise import Guard
from onhand.testing.people import make_token
from onhand.testing.server import TOLD, Server
from onhand.transaction import run
from onhand_channels.api import ChannelDraft, ChannelRef, save_channels
from onhand_master_data.api import ItemDraft, LocationDraft, create_items, create_locations
from onhand_stock.api import Group, Move, post

from bench.raw import Raw

ITEMS = 10_000
LOCATIONS = 20
UNITS = 1_000_000_000
STOCKED_EVERYWHERE = 200
"""Items that every location has; the others lie at the first."""
NOUNS = ("master_data", "stock", "channels", "reservations")
BENCH = Actor.system("bench")
SETTINGS = {
    "shared_buffers": "512MB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "30min",
    "track_commit_timestamp": "on",  # how late a hold was let go is read off its commit
}
SCHEDULER = "from onhand.scheduler import main; from onhand.testing.server import served_app; main(served_app())"


@dataclass
class Stage:
    """Where the arms perform."""

    services: Services
    settings: Settings
    app: Flask
    addons: list[Addon]
    raw: Raw
    entity_id: int
    channel: ChannelRef
    skus: list[str]
    item_ids: list[int]
    locations: list[str]
    location_ids: list[int]
    token: str
    stack: ExitStack
    beside: "tuple[Stage, Stage] | None" = None
    met: set[str] = field(default_factory=set)
    """Where all items have been held once before anything is measured."""
    _server: Server | None = field(default=None)

    @property
    def port(self) -> int:
        """Where the web server listens, as many processes and threads as `onhand serve` has; started when first asked for."""
        if self._server is None:
            workers = min(os.cpu_count() or 1, WORKERS_MAX)
            self._server = self.stack.enter_context(
                Server(self.settings, self.addons, workers=workers, threads=THREADS)
            )
        return int(self._server.url.rpartition(":")[2])

    @contextmanager
    def scheduler(self) -> "Iterator[subprocess.Popen[bytes]]":
        """Run a scheduler, a process of its own, while the `with` lasts."""
        told = json.dumps({"settings": asdict(self.settings), "addons": [asdict(addon) for addon in self.addons]})
        path = os.pathsep.join(filter(None, sys.path))
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": path, TOLD: told}
        process = subprocess.Popen([sys.executable, "-c", SCHEDULER], stdin=subprocess.DEVNULL, env=environment)
        with Guard() as guard:
            guard.watch(process.pid, [(15, 10.0), (9, 5.0)], group=False)
            try:
                yield process
            finally:
                process.terminate()
                process.wait()
                guard.forget(process.pid)

    def write(self, query: str, values: Mapping[str, Any]) -> None:
        """Write as the database's superuser: to prepare, never to measure."""
        with psycopg.connect(self.services.libpq("postgres", "onhand")) as connection:
            connection.execute(query.encode(), values)

    def sql(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Ask the database as its superuser: to count and to prepare, never to measure."""
        with psycopg.connect(self.services.libpq("postgres", "onhand"), autocommit=True) as connection:
            cursor = connection.execute(query, values or None)
            return cursor.fetchall() if cursor.description else []


@contextmanager
def stage(items: int = ITEMS) -> Iterator[Stage]:
    """Build the stage with so many items, and leave nothing behind."""
    with (
        tempfile.TemporaryDirectory(prefix="onhand-bench-", ignore_cleanup_errors=True) as folder,
        services(Path(folder), settings=SETTINGS) as running,
    ):
        addons = [addon for addon in discover() if addon.noun in NOUNS]
        upgrade(running.owner_database_url, addons)
        settings = Settings(
            database_url=running.database_url,
            redis_url=running.redis_url,
            secret_key="bench" * 8,
            secure_cookies=False,
            log_level="warning",
            folder=folder,
        )
        app = create_app(settings, addons=addons)
        gc.collect()
        gc.freeze()  # as a web process has it
        look_for_garbage_seldom()
        with app.app_context(), ExitStack() as stack:
            yield _found(running, settings, app, addons, items, stack)


def _found(
    running: Services, settings: Settings, app: Flask, addons: list[Addon], how_many: int, stack: ExitStack
) -> Stage:
    def entity(session: Any, now: Any) -> int:
        made = Entity(code="bench", name="Bench", currency="EUR", country="DE", time_zone="UTC", recorded_at=now)
        return create_entity(session, made).id

    entity_id = run(entity, entities=())
    wishes = [Change(entity_id, addon.noun, "enabled") for addon in addons]
    run(lambda session, now: len(change(session, wishes, by=BENCH, now=now)), entities=[entity_id])
    skus = [f"SKU-{number:05}" for number in range(how_many)]
    codes = [f"STORE-{number:02}" for number in range(LOCATIONS)]

    def world(session: Any, now: Any) -> tuple[list[int], list[int], ChannelRef]:
        drafts = [LocationDraft(code=code, name=code, kind="store", entity="bench", time_zone="UTC") for code in codes]
        locations = [one.id for one in create_locations(session, drafts, by=BENCH, now=now)]
        items = [
            one.id
            for start in range(0, how_many, 1_000)
            for one in create_items(
                session,
                [ItemDraft(sku=sku, name=sku, entities=("bench",)) for sku in skus[start : start + 1_000]],
                by=BENCH,
                now=now,
            )
        ]
        draft = ChannelDraft("web", "Web", "ecommerce", "bench", tuple(codes))
        return items, locations, save_channels(session, [draft], by=BENCH, now=now)[0]

    item_ids, location_ids, channel = run(world, entities=[entity_id])
    for start in range(0, how_many, 1_000):
        run(
            lambda session, now, some=item_ids[start : start + 1_000]: _receive(
                session, now, entity_id, location_ids[0], some
            ),
            entities=[entity_id],
        )
    for location_id in location_ids[1:]:
        run(
            lambda session, now, place=location_id: _receive(
                session, now, entity_id, place, item_ids[:STOCKED_EVERYWHERE]
            ),
            entities=[entity_id],
        )
    token = make_token(
        app,
        lambda command: run(command, entities=[entity_id]),
        entity_id,
        "reservations.hold",
        "reservations.read",
        "channels.post_events",
        "stock.read",
        source="web",
    )
    raw = Raw(running, item_ids, location_ids[0])
    place = Stage(
        running, settings, app, addons, raw, entity_id, channel, skus, item_ids, codes, location_ids, token, stack
    )
    place.sql("VACUUM ANALYZE")
    return place


def _receive(session: Any, now: Any, entity_id: int, location_id: int, item_ids: list[int]) -> int:
    groups = [
        Group(
            f"receipt:{item_id}",
            (Move("receipt", entity_id, item_id, UNITS, (("supplier", None),), "available", None, location_id),),
            f"receipt:{item_id}",
            now,
            "bench",
        )
        for item_id in item_ids
    ]
    return len(post(session, groups, by=BENCH, now=now))
