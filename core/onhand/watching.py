"""The watch: one thread per process that sees to hooks which do not end or only fail, and writes down how add-ons fare.

A hook that does not end cannot be stopped from outside: its add-on is switched off everywhere, and the process makes room
for a new one. Whoever waits for the database is cut off there, by its time-outs. One that keeps the interpreter's lock stops
this thread too: see `onhand.lockwatch`.
"""

import os
import sys
import threading
import time
import traceback
from collections.abc import Callable
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from types import FrameType

import psycopg
import structlog
from flask import Flask
from sqlalchemy import Engine, create_engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from onhand.actors import Actor
from onhand.addons import Addon, Addons
from onhand.addons.boundary import Spent, Turn
from onhand.addons.health import Tally, add_up, keep
from onhand.addons.suspension import suspend
from onhand.db import driver
from onhand.health import check_migrations
from onhand.lockwatch import keeper, left_behind, watch_lock
from onhand.metrics import count_hooks
from onhand.transaction import run, run_apart

__all__ = ["Watch"]

log = structlog.get_logger("onhand.watch")

TICK_SECONDS = 1.0
FROZEN_SECONDS = 3.0
"""Who slept for so much longer than it wanted was stopped, or starved, with all of the process."""
KEEP_SECONDS = 10.0
OBSERVE_SECONDS_MAX = 20.0
FAILURES_MAX = 20
CUTS_MAX = 5
"""So often in a row may one hook fail, or be cut off by the database's time-outs, in one process."""
COUNTED = frozenset({"guard", "decide", "extend"})
"""Kinds of hook whose failing is somebody else's failure too. Others are retried, or left out of a page."""
FRAMES_SHOWN = 12
DRIVERS = (
    f"onhand{os.sep}wire.py",
    f"{os.sep}psycopg{os.sep}",
    f"{os.sep}psycopg_binary{os.sep}",
    f"{os.sep}psycopg_c{os.sep}",
)
BY = Actor.system("watch")


class Watch:
    """Watches the hooks of one process. `recycle` ends the process, or has it begin anew; it is called once."""

    def __init__(self, app: Flask, recycle: Callable[[], None]) -> None:
        self._app = app
        self._addons: Addons = app.extensions["onhand"]
        self._seconds_max: float = app.extensions["onhand_settings"].hook_seconds_max
        self._recycle = recycle
        self._tallies: dict[str, Tally] = {}
        self._kept_at = time.monotonic()
        self._failing: dict[tuple[str, str], int] = {}
        self._seen: set[tuple[int, float]] = set()
        self._is_recycled = False
        self._thawed_at = 0.0
        settings = app.extensions["onhand_settings"]
        site = sha256(settings.database_url.encode()).hexdigest()[:16]
        self._stacks = settings.path / "locks" / site

    def start(self) -> None:
        """Watch until the process ends."""
        self._addons.boundary.is_watched = True
        try:
            with self._app.app_context():
                self.blame_keepers()  # before any work is taken: what ended the process before may be asked for again
            self._stack = watch_lock(self._stacks, self._seconds_max)
        except OSError as error:
            log.warning("lock_not_watched", error=str(error))
        threading.Thread(target=self._watch, name="onhand-watch", daemon=True).start()

    def _watch(self) -> None:
        while True:
            self.rest()
            try:
                with self._app.app_context():
                    self.look()
            except Exception:
                log.exception("watch_failed")

    def rest(self) -> None:
        """Sleep until the next round. Where the whole process stood still meanwhile, no hook is to blame for that."""
        began = time.perf_counter()
        time.sleep(TICK_SECONDS)
        now = time.perf_counter()
        if now - began - TICK_SECONDS > FROZEN_SECONDS:
            log.warning("stood_still", seconds=round(now - began, 1))
            self._thawed_at = now

    def look(self) -> None:
        """Do what is due: one round."""
        self._count()
        for thread, turn in list(self._addons.boundary.turns.items()):
            if time.perf_counter() - max(turn.started, self._thawed_at) > self._limit(turn):
                self._stuck(thread, turn)
        self.blame_keepers()
        if time.monotonic() - self._kept_at >= KEEP_SECONDS:
            self.write_down()

    def blame_keepers(self) -> None:
        """Switch off whose hook kept the interpreter's lock in a process of this host that has ended for it."""
        for stack in left_behind(self._stacks):
            found = keeper(stack, {noun: _folder(self._addons.addon(noun)) for noun in self._addons.names})
            log.error("lock_kept", addon=found.noun if found else None, stack=stack)
            if found:
                reason = f"it kept the interpreter's lock at {found.function} ({found.place}), and all else in its process stood still"
                self._switch_off(found.noun, reason)

    def write_down(self) -> None:
        """Add what was counted to the site's; what cannot be written now is written with the next."""
        self._kept_at = time.monotonic()
        if any(fault.is_late for fault in self._addons.held.values()):
            check_migrations()
        tallies = dict(self._tallies)
        if tallies:
            try:
                run(lambda session, now: keep(session, tallies, now=now), entities=())
            except (SQLAlchemyError, psycopg.Error) as error:
                log.warning("health_not_kept", error=type(error).__name__)
            else:
                self._tallies.clear()

    def _limit(self, turn: Turn) -> float:
        if turn.seconds_max is not None:
            return turn.seconds_max
        return max(self._seconds_max, OBSERVE_SECONDS_MAX) if turn.kind == "observe" else self._seconds_max

    def _count(self) -> None:
        spent = count_hooks(self._addons.boundary.spent)
        add_up(self._tallies, spent)
        for one in spent:
            self._judge(one)

    def _judge(self, one: Spent) -> None:
        """Switch off whose hook has failed too often in a row. A success begins anew."""
        if one.kind not in COUNTED:
            return
        key = (one.noun, one.hook)
        if one.failure is None:
            self._failing.pop(key, None)
            return
        weight = FAILURES_MAX // CUTS_MAX if one.failure.is_cut else 1
        self._failing[key] = self._failing.get(key, 0) + weight
        if self._failing[key] >= FAILURES_MAX:
            self._failing.pop(key)
            self._switch_off(
                one.noun, f"it failed again and again in {one.hook}, the last time so: {one.failure.error}"
            )

    def _stuck(self, thread: int, turn: Turn) -> None:
        mark = (thread, turn.started)
        frame = sys._current_frames().get(thread)
        if mark in self._seen or frame is None:
            return
        self._seen.add(mark)
        seconds = time.perf_counter() - turn.started
        stack = "".join(traceback.format_stack(frame)[-FRAMES_SHOWN:])
        log.error("hook_does_not_end", addon=turn.noun, hook=turn.hook, seconds=round(seconds, 1), stack=stack)
        if turn.kind not in {"job", "loop"} and not self._is_cut_off(turn, frame):
            self._switch_off(turn.noun, f"it was at {turn.hook} for {seconds:.0f} s and did not end")
        if not self._is_recycled:
            self._is_recycled = True
            self._recycle()

    def _switch_off(self, noun: str, reason: str) -> None:
        """Suspend an add-on, unless others build on it: then more would stop than is saved, and a person decides."""
        if others := self._addons.dependants(noun):
            log.error("addon_does_harm", addon=noun, reason=reason, kept_for=list(others))
            return

        def command(session: Session, now: datetime) -> list[str]:
            return suspend(session, [noun], by=BY, reason=reason, now=now)

        try:
            if run_apart(self._engine(), command):
                log.error("addon_suspended", addon=noun, reason=reason)
        except (SQLAlchemyError, psycopg.Error) as error:
            log.error("addon_not_suspended", addon=noun, reason=reason, error=f"{type(error).__name__}: {error}")

    def _engine(self) -> Engine:
        """Return an engine of our own: the connections of the pool may all be held by hooks that do not end."""
        config = self._app.config
        told = config["SQLALCHEMY_ENGINE_OPTIONS"]["connect_args"]
        return create_engine(config["SQLALCHEMY_DATABASE_URI"], poolclass=NullPool, connect_args=told)

    def _is_cut_off(self, turn: Turn, frame: FrameType) -> bool:
        """Whether it waits for a database that has long ended that connection: the line is dead, not the add-on."""
        if turn.session is None or not _waits_for_database(frame):
            return False
        pid = driver(turn.session).info.backend_pid

        def command(session: Session, _: datetime) -> bool:
            rows = driver(session).execute("SELECT FROM pg_stat_activity WHERE pid = %s", (pid,)).fetchall()
            return not rows

        try:
            return run_apart(self._engine(), command)
        except (SQLAlchemyError, psycopg.Error):
            return True


def _folder(addon: Addon) -> Path:
    return Path(str(sys.modules[addon.package].__file__)).parent


def _waits_for_database(frame: FrameType | None) -> bool:
    for _ in range(3):
        if frame is None:
            return False
        if any(part in frame.f_code.co_filename for part in DRIVERS):
            return True
        frame = frame.f_back
    return False
