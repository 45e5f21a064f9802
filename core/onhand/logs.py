"""Structured logs: one event per line, as JSON or for people, with the request it belongs to. Never a secret."""

import logging
import re
import secrets
import sys
import time
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from typing import Any

import structlog
from flask import Flask, Response, current_app, g, has_request_context, request
from structlog.contextvars import bound_contextvars, merge_contextvars

__all__ = ["about", "configure", "init_app", "redact", "request_id", "tell_if_notable"]

SECRET = re.compile(r"password|secret|token|authorization|cookie|digest|api_?key|credential", re.IGNORECASE)
IN_TEXT = re.compile(r"oh_[A-Za-z0-9_-]{20,}|(?<=://)[^\s/@:]*:[^\s/@]+(?=@)")
HIDDEN = "[hidden]"
PLUMBING = frozenset({"exc_info", "_record"})  # not yet text: an exception is cleaned once it is
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
SLOW_SECONDS = 1.0

log = structlog.get_logger("onhand.request")


def init_app(app: Flask) -> None:
    """Give every request an id, log what it came to, and send the id back as `X-Request-ID`.

    Of hot doors only what failed or was slow is logged; the rest is counted in the metrics.
    """
    settings = app.extensions["onhand_settings"]
    configure(settings.log_format, settings.log_level)
    app.before_request(_begin)
    app.after_request(_end)


def configure(form: str = "json", level: str = "info") -> None:
    """Send structlog and the standard library's logging to standard error, one line per event.

    Handlers that are there already (a test runner's) stay as they are.
    """
    shared: list[Any] = [
        merge_contextvars,
        _of_request,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        redact,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(_level(level)),
        cache_logger_on_first_use=True,
    )
    logging.getLogger("alembic").setLevel(logging.WARNING)  # tells at every look that it can look
    root = logging.getLogger()
    root.setLevel(_level(level))
    if not root.handlers:
        root.addHandler(_handler(form, shared))


@contextmanager
def about(**names: Any) -> Iterator[None]:
    """Let every event logged inside carry these: the job, the add-on, the entity it is about."""
    with bound_contextvars(**names):
        yield


def redact(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Hide what is secret by its name, and tokens and passwords inside any text."""
    for name, value in event.items():
        if name in PLUMBING:
            continue
        event[name] = HIDDEN if SECRET.search(name) else _clean(value)
    return event


def _of_request(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Say which request an event belongs to, who made it and for which entities. Costs only what is logged."""
    if has_request_context():
        event.setdefault("request_id", g.get("request_id"))
        if "onhand_principal" in g:
            event.setdefault("actor", g.onhand_principal.actor.ref)
            event.setdefault("entities", g.get("onhand_scope"))
    return event


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return IN_TEXT.sub(HIDDEN, value)
    if isinstance(value, Mapping):
        return {name: HIDDEN if SECRET.search(str(name)) else _clean(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_clean(inner) for inner in value]
    return value


def _handler(form: str, shared: list[Any]) -> logging.Handler:
    renderers: list[Any] = (
        [
            structlog.processors.format_exc_info,  # plain: a traceback with local variables would show secrets
            _clean_exception,
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
            ),
        ]
        if form == "console"
        else [structlog.processors.format_exc_info, _clean_exception, structlog.processors.JSONRenderer()]
    )
    handler = logging.StreamHandler(sys.stderr)
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderers],
    )
    handler.setFormatter(formatter)
    return handler


def _clean_exception(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    if "exception" in event:
        event["exception"] = _clean(event["exception"])
    return event


def _level(name: str) -> int:
    levels = logging.getLevelNamesMapping()
    if name.upper() not in levels:
        raise ValueError(f"ONHAND_LOG_LEVEL={name!r} is none of {', '.join(levels).lower()}")
    return levels[name.upper()]


def request_id(given: str) -> str:
    """Return the id a request came with, if it is one, or a new one."""
    return given if REQUEST_ID.fullmatch(given) else secrets.token_hex(8)


def tell_if_notable(method: str, path: str, endpoint: str, status: int, seconds: float) -> None:
    """Log a request of a hot door that failed or was slow; the rest is counted in the metrics."""
    if status >= 500 or seconds >= SLOW_SECONDS:
        log.info(
            "request", method=method, path=path, endpoint=endpoint, status=status, ms=round(seconds * 1_000, 1),
            request_id=g.request_id,
        )  # fmt: skip


def _begin() -> None:
    g.request_id = request_id(request.headers.get("X-Request-ID", ""))
    g.request_began = time.perf_counter()


def _end(response: Response) -> Response:
    response.headers["X-Request-ID"] = g.request_id
    seconds = time.perf_counter() - g.request_began
    view = current_app.view_functions.get(request.endpoint or "")
    is_quiet = getattr(view, "onhand_hot", False)
    if is_quiet and response.status_code < 500 and seconds < SLOW_SECONDS:
        return response
    log.info(
        "request",
        method=request.method,
        path=request.path,
        endpoint=request.endpoint,
        status=response.status_code,
        ms=round(seconds * 1_000, 1),
    )
    return response
