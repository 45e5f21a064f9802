"""Shedding load: who has waited too long for a thread is told at once when to come again.

Threads take requests in the order they came. When more come than can be served, each waits for all before it, and
what is answered at last is answered to callers who have given up. Instead, a request of the API that has waited too
long already costs a header's worth of work and gets 503 with `Retry-After`: who is served is served soon, everybody
is answered soon, and a queue that has grown is gone in a moment.
"""

import random
import socket
import struct
from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask

from onhand.metrics import requests_shed
from onhand.problems import Unavailable

__all__ = ["init_app", "refusal", "waited_seconds"]

SHED = "/api/"
"""People who wait for a page would rather see it late than not at all; health and metrics must always be seen."""
RETRY_SECONDS_MAX = 3
LAST_DATA_RECEIVED = struct.Struct("@I")
LAST_DATA_RECEIVED_AT = 52
"""Where Linux keeps tcpi_last_data_recv in its struct tcp_info: milliseconds."""
Environ = dict[str, Any]
Wsgi = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]


def init_app(app: Flask, wait_seconds_max: float) -> None:
    """Put the check before all else that the application does with a request."""
    serve: Wsgi = app.wsgi_app

    def shed(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        peer = environ.get("gunicorn.socket")
        if environ.get("PATH_INFO", "").startswith(SHED) and waited_seconds(peer) > wait_seconds_max:
            return _refuse(environ, start_response)
        return serve(environ, start_response)

    app.wsgi_app = shed  # type: ignore[method-assign]  # middleware goes around it


def waited_seconds(peer: socket.socket | None) -> float:
    """Return how long ago the last of a request arrived at this host; 0 where that cannot be known.

    The kernel knows, so what a request waited for before anybody accepted its connection is counted, too.
    """
    option = getattr(socket, "TCP_INFO", None)
    if peer is None or option is None:
        return 0.0
    try:
        told = peer.getsockopt(socket.IPPROTO_TCP, option, LAST_DATA_RECEIVED_AT + LAST_DATA_RECEIVED.size)
    except OSError:  # a Unix socket has no such thing
        return 0.0
    if len(told) < LAST_DATA_RECEIVED_AT + LAST_DATA_RECEIVED.size:
        return 0.0
    milliseconds: int = LAST_DATA_RECEIVED.unpack_from(told, LAST_DATA_RECEIVED_AT)[0]
    return milliseconds / 1000


def refusal() -> Unavailable:
    """Return what to answer. When to come again differs from caller to caller, or they would all come again at once."""
    requests_shed.inc()
    return Unavailable(
        "more requests wait than can be served: send the same again, under the same key",
        retry_after=random.randint(1, RETRY_SECONDS_MAX),  # noqa: S311 - to spread callers, not a secret
    )


def _refuse(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
    problem = refusal()
    body = problem.body()
    headers = {"Content-Type": "application/problem+json", "Content-Length": str(len(body)), **problem.headers}
    start_response("503 Service Unavailable", list(headers.items()))
    return [b"" if environ.get("REQUEST_METHOD") == "HEAD" else body]
