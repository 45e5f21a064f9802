"""The carrier: Dramatiq on Redis, bearing nothing but ids. Whatever it loses, PostgreSQL still has."""

import time
from collections.abc import Callable, Iterable
from typing import Any

import dramatiq
import redis
import structlog
from dramatiq.brokers.redis import RedisBroker
from flask import current_app
from redis.backoff import NoBackoff
from redis.retry import Retry

__all__ = ["Carrier", "carrier"]

log = structlog.get_logger("onhand.jobs")

REST_SECONDS = 2.0
SOCKET_SECONDS = 0.5
CONNECTIONS_MAX = 64


class _Broker(RedisBroker):
    """Dramatiq's Redis broker without delay queues: what is due later waits in PostgreSQL."""

    def declare_queue(self, queue_name: str) -> None:
        if queue_name not in self.queues:
            self.emit_before("declare_queue", queue_name)
            self.queues.add(queue_name)
            self.emit_after("declare_queue", queue_name)


class Carrier:
    """Takes ids of due jobs to the workers. Never raises, never waits long: a lost id is found by the sweeper."""

    def __init__(self, url: str, *, namespace: str) -> None:
        # Redis counts for seconds of delay, so no call of ours may cost more than that.
        client = redis.Redis.from_url(
            url,
            socket_timeout=SOCKET_SECONDS,
            socket_connect_timeout=SOCKET_SECONDS,
            max_connections=CONNECTIONS_MAX,
            retry=Retry(NoBackoff(), 1),
        )
        self.broker: RedisBroker = _Broker(  # type: ignore[no-untyped-call]  # the library has no types
            client=client, namespace=namespace, middleware=[]
        )
        self._resting_until = 0.0

    def declare(self, queue: str, work: Callable[[int], None]) -> None:
        """Let this process take the ids of a queue and do `work` with each."""
        dramatiq.Actor(work, broker=self.broker, actor_name=queue, queue_name=queue, priority=0, options={})

    def send(self, jobs: Iterable[tuple[str, int]]) -> bool:
        """Send (queue, id) pairs; return whether Redis took them all. After a failure it is left alone for a while."""
        if time.monotonic() < self._resting_until:
            return False
        try:
            for queue, job_id in jobs:
                self.broker.enqueue(_message(queue, job_id))
        except redis.RedisError as error:
            self._resting_until = time.monotonic() + REST_SECONDS
            log.warning("redis_away", error=str(error))
            return False
        return True

    def waiting(self, queue: str) -> int:
        """Return how many ids Redis holds for a queue; 0 when it cannot be asked."""
        try:
            return int(self.broker.do_qsize(queue))
        except redis.RedisError:
            return 0

    def close(self) -> None:
        """Let go of the connections."""
        self.broker.client.close()


def carrier() -> Carrier:
    """Return the carrier of the current app."""
    found: Carrier = current_app.extensions["onhand.jobs"].carrier
    return found


def _message(queue: str, job_id: int) -> dramatiq.Message[Any]:
    return dramatiq.Message(queue_name=queue, actor_name=queue, args=(job_id,), kwargs={}, options={})
