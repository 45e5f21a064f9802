"""How gunicorn runs the web processes: loaded once, forked, each with its own connections and its share of metrics."""

import gc
import logging
import os
import sys
from typing import Any

from prometheus_client import multiprocess

from onhand import logs
from onhand.config import Settings
from onhand.db import db

__all__ = ["child_exit", "look_for_garbage_seldom", "on_starting", "post_fork", "when_ready"]

GARBAGE_OBJECTS = 50_000

worker_class = "onhand.cli.lane_worker.LaneWorker"
preload_app = "--reload" not in sys.argv  # what is loaded before forking cannot be loaded anew
control_socket_disable = True
graceful_timeout = 10
keepalive = 15
forwarder_headers = ""  # nobody says by a header where the site is mounted: `ONHAND_PROXIES` says whom to believe
timeout = 30
# A worker touches its file to say it lives; memory, because a busy disk would look like a dead worker.
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108 - shared memory, not /tmp


def on_starting(_: Any) -> None:
    """Let gunicorn's own messages go where ours go."""
    settings = Settings.from_environment()
    logs.configure(settings.log_format, settings.log_level)
    for name in ("gunicorn.error", "gunicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True


def when_ready(server: Any) -> None:
    """Close the connections that loading the application opened: forked children must not share them."""
    if server.cfg.preload_app:
        with server.app.wsgi().app_context():
            db.engine.dispose()
        gc.collect()
        gc.freeze()


def post_fork(_: Any, __: Any) -> None:
    """Look for cycles seldom."""
    look_for_garbage_seldom()


def look_for_garbage_seldom() -> None:
    """What was loaded stays, and a batch of a thousand events makes tens of thousands of objects.

    With Python's own thresholds every tenth of such a batch's time went into looking through all that lives.
    """
    gc.set_threshold(GARBAGE_OBJECTS, 10, 50)


def child_exit(_: Any, worker: Any) -> None:
    """Free the seat of a web process that has ended and forget its gauges; its counters stay counted."""
    worker.share.leave()
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]  # the library has no types
