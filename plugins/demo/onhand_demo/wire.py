"""HTTP to the running site: one connection per sender, and retries that send the same bytes again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import local
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx
import msgspec
import stamina

RETRY_STATUSES = (429, 502, 503, 504)
REQUEST_TIMEOUT_S = 60.0
GIVE_UP_AFTER_S = 90.0
"""A server killed and restarted under load is back well within this."""

T = TypeVar("T")
R = TypeVar("R")


class Busy(Exception):
    """The server answered that it cannot take the request now; it may have said for how long."""

    def __init__(self, status: int, wait_s: float | None) -> None:
        super().__init__(f"the server answered {status}")
        self.wait_s = wait_s


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said in the end."""

    status: int
    body: Any
    tries: int

    @property
    def problem(self) -> str:
        """The problem in one line, for people."""
        known = self.body if isinstance(self.body, dict) else {}
        return f"{self.status} {known.get('title', '')} {known.get('detail', '')}".strip()


class Wire:
    """A connection that is kept open and tried again: on a broken connection, and when the server says it is busy.

    A retry has the body and the keys of the first try, so what was done the first time is not done twice.
    Not shared between threads.
    """

    def __init__(self, base_url: str, *, give_up_after_s: float = GIVE_UP_AFTER_S) -> None:
        self._client = httpx.Client(base_url=base_url, timeout=REQUEST_TIMEOUT_S, trust_env=False)
        self._give_up_after_s = give_up_after_s

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def post(self, path: str, body: bytes, *, token: str, key: str | None = None) -> Answer:
        """Post JSON until the server answers for good."""
        headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        if key is not None:
            headers["idempotency-key"] = key
        return self._until_answered("POST", path, headers, body)

    def get(self, path: str, *, token: str) -> Answer:
        """Read JSON."""
        return self._until_answered("GET", path, {"authorization": f"Bearer {token}"}, None)

    def _until_answered(self, method: str, path: str, headers: dict[str, str], body: bytes | None) -> Answer:
        for attempt in stamina.retry_context(
            _may_retry, attempts=None, timeout=self._give_up_after_s, wait_max=2.0, wait_jitter=0.2
        ):
            with attempt:
                response = self._client.request(method, path, headers=headers, content=body)
                if response.status_code in RETRY_STATUSES:
                    raise Busy(response.status_code, _wait_s(response))
                return Answer(response.status_code, _decoded(response), attempt.num)
        raise AssertionError("unreachable")


class Crowd:
    """Several people at once, each with a wire of their own that stays open between questions."""

    def __init__(self, base_url: str, size: int) -> None:
        self._base_url = base_url
        self._own = local()
        self._wires: list[Wire] = []
        self._pool = ThreadPoolExecutor(size, thread_name_prefix="crowd", initializer=self._arrive)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)
        for wire in self._wires:
            wire.__exit__(None, None, None)

    def each(self, ask: Callable[[Wire, T], R], things: Sequence[T]) -> list[R]:
        """Ask about every thing, as many at once as there are people; answers in the order of the things."""
        return list(self._pool.map(lambda thing: ask(self._own.wire, thing), things))

    def _arrive(self) -> None:
        self._own.wire = Wire(self._base_url)
        self._wires.append(self._own.wire)


def _may_retry(error: Exception) -> bool | float:
    if isinstance(error, Busy):
        return True if error.wait_s is None else error.wait_s
    return isinstance(error, httpx.TransportError)


def _wait_s(response: httpx.Response) -> float | None:
    said = response.headers.get("retry-after", "")
    return float(said) if said.isdigit() else None


def _decoded(response: httpx.Response) -> Any:
    if "json" not in response.headers.get("content-type", ""):
        return response.text
    return msgspec.json.decode(response.content)
