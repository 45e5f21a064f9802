"""Rate limits, counted in Redis over all hosts; while Redis is away, in each process. Never a reason to fail."""

import hashlib
import math
import time
from functools import cache

import redis
from flask import Flask, Response, current_app, request
from flask_limiter import Limiter, RequestLimit
from flask_limiter.util import get_remote_address
from limits import parse

from onhand import problems
from onhand.rest.errors import respond

__all__ = ["API_LIMIT", "LOGIN_LIMIT", "init_app", "redis_client", "refuse_beyond"]

API_LIMIT = "6000 per minute"
LOGIN_LIMIT = "30 per minute"
EXTENSION = "onhand_limiter"
REDIS_CONNECTIONS_MAX = 50
REDIS_TIMEOUT_SECONDS = 0.25


def init_app(app: Flask) -> None:
    """Limit every caller of the API to `ONHAND_RATE_LIMIT` (default 6000 per minute) over all its doors but the hot.

    Hot doors are bounded by their batch sizes and the connection pool instead: a round trip to Redis per request would
    cost more than they do.
    """
    settings = app.extensions["onhand_settings"]
    limiter = Limiter(
        _caller,
        application_limits=[settings.rate_limit or API_LIMIT],
        strategy="fixed-window",
        storage_uri=_storage_uri(settings.redis_url),
        storage_options=dict(_options()) if settings.redis_url else {},
        in_memory_fallback_enabled=True,
        swallow_errors=True,
        key_prefix="onhand",
        on_breach=_too_many,
    )
    limiter.request_filter(_is_unlimited)
    limiter.init_app(app)
    app.extensions[EXTENSION] = limiter


def refuse_beyond(limit: str, *scope: str) -> None:
    """Count one more in a scope; TooMany when that is more than the limit (`30 per minute`) allows."""
    limiter: Limiter = current_app.extensions[EXTENSION]
    rate = parse(limit)
    try:
        is_within = limiter.limiter.hit(rate, "onhand", *scope)
    except redis.RedisError:
        return  # the lock on the name still holds; it is kept in PostgreSQL
    if not is_within:
        raise problems.TooMany(headers={"Retry-After": str(rate.get_expiry())})


def redis_client() -> redis.Redis:
    """Return this application's client of Redis, over a bounded pool; ValueError when no Redis is configured."""
    return _client(current_app.config["REDIS_URL"])


@cache
def _client(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, **_options())


def _options() -> dict[str, int]:
    # Whole seconds in the type only: redis takes fractions, Flask-Limiter's annotation does not know.
    return {
        "max_connections": REDIS_CONNECTIONS_MAX,
        "socket_timeout": REDIS_TIMEOUT_SECONDS,  # type: ignore[dict-item]  # redis takes fractions
        "socket_connect_timeout": REDIS_TIMEOUT_SECONDS,  # type: ignore[dict-item]  # redis takes fractions
    }


def _storage_uri(url: str) -> str:
    if not url:
        return "memory://"
    return f"redis+{url}" if url.startswith("unix://") else url


def _caller() -> str:
    """Count per token, else per address. The token goes in as a digest: Redis is no place for secrets."""
    bearer = request.environ.get("HTTP_AUTHORIZATION", "")
    return hashlib.sha256(bearer.encode("latin-1")).hexdigest()[:32] if bearer else get_remote_address()


def _is_unlimited() -> bool:
    view = current_app.view_functions.get(request.endpoint or "")
    return not request.path.startswith("/api/") or getattr(view, "onhand_hot", False)


def _too_many(breached: RequestLimit) -> Response:
    seconds = max(math.ceil(breached.window[0] - time.time()), 1)
    return respond(problems.TooMany(str(breached.limit), headers={"Retry-After": str(seconds)}))
