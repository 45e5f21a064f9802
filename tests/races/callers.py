"""Callers at once: as many connections as there are requests, all open before the first is sent."""

import asyncio
import json
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

__all__ = ["Answer", "Ask", "storm"]


@dataclass(frozen=True)
class Ask:
    """A request: `Ask("/reservations", {...}, key="k1")` is a POST under that key."""

    path: str
    body: Any = field(default_factory=dict)
    key: str | None = None


@dataclass(frozen=True)
class Answer:
    """What one caller was told, and how long after everybody had asked. Status 0: the connection ended without a word."""

    status: int
    headers: dict[str, str]
    body: bytes
    seconds: float

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def storm(url: str, secret: str, asks: Sequence[Ask]) -> list[Answer]:
    """Send all requests at the same moment, each over a connection of its own; answers in the order of the requests."""
    with ThreadPoolExecutor(1) as own:  # a thread of its own: this one may have a loop running, a browser driver's
        return own.submit(lambda: asyncio.run(_storm(url, secret, asks))).result()


async def _storm(url: str, secret: str, asks: Sequence[Ask]) -> list[Answer]:
    address = urlsplit(url)
    open_ = [asyncio.open_connection(address.hostname, address.port) for _ in asks]
    ways = await asyncio.gather(*open_)
    began = time.perf_counter()
    for (_, writer), ask in zip(ways, asks, strict=True):
        writer.write(_request(address.netloc, secret, ask))
    return await asyncio.gather(*[_answer(reader, writer, began) for reader, writer in ways])


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, began: float) -> Answer:
    try:
        raw = await reader.read(-1)
    except ConnectionError:
        raw = b""
    seconds = time.perf_counter() - began
    writer.close()
    head, _, body = raw.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    if not head:
        return Answer(0, {}, b"", seconds)
    headers = dict(line.lower().split(": ", 1) for line in lines[1:])
    return Answer(int(lines[0].split()[1]), headers, body, seconds)


def _request(host: str, secret: str, ask: Ask) -> bytes:
    body = json.dumps(ask.body).encode()
    lines = [
        f"POST /api/v1{ask.path} HTTP/1.1",
        f"Host: {host}",
        f"Authorization: Bearer {secret}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        "Connection: close",
    ]
    if ask.key is not None:
        lines.append(f"Idempotency-Key: {ask.key}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
