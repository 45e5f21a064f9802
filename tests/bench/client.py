"""A client that costs little: one thread, many keep-alive connections, requests made before the clock starts."""

import selectors
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass

from bench.measure import Run


@dataclass(slots=True)
class Call:
    """A connection with its request on the way."""

    socket: socket.socket
    started: float
    buffer: bytes


def drive(
    port: int, callers: int, seconds: float, requests: Iterator[bytes], expected: set[int], weight: int = 1
) -> Run:
    """Keep `callers` connections busy for so long, each with one request at a time; raise on another status.

    Ends early when the requests do. Operations are requests answered with an expected status, times `weight`.
    """
    selector = selectors.DefaultSelector()
    ops, waits = 0, []
    statuses: dict[int, int] = {}
    strange: list[bytes] = []
    begin = time.perf_counter()
    for _ in range(callers):
        connection = socket.create_connection(("127.0.0.1", port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(next(requests))
        selector.register(connection, selectors.EVENT_READ, Call(connection, time.perf_counter(), b""))
    end = begin + seconds
    busy = callers
    while busy:
        for key, _ in selector.select():
            call: Call = key.data
            call.buffer += call.socket.recv(1 << 20)
            status = _status(call.buffer)
            if status is None:
                continue
            now = time.perf_counter()
            waits.append(now - call.started)
            statuses[status] = statuses.get(status, 0) + 1
            if status not in expected:
                strange.append(call.buffer)
            ops += weight
            request = None if now >= end else next(requests, None)
            if request is None:
                selector.unregister(call.socket)
                call.socket.close()
                busy -= 1
                continue
            call.buffer, call.started = b"", now
            call.socket.sendall(request)
    took = time.perf_counter() - begin
    if strange:
        raise RuntimeError(
            f"answers by status: {statuses}; the first unexpected one: {strange[0].decode(errors='replace')}"
        )
    return Run(ops, took, waits)


def _status(buffer: bytes) -> int | None:
    """Return the status once the whole answer has arrived."""
    head, found, rest = buffer.partition(b"\r\n\r\n")
    if not found:
        if not buffer:
            raise RuntimeError("the server closed the connection")
        return None
    start = head.lower().index(b"content-length:") + 15
    length = int(head[start : head.find(b"\r\n", start) if head.find(b"\r\n", start) > 0 else None])
    return int(head[9:12]) if len(rest) >= length else None


def post(path: str, token: str, body: bytes, key: str | None = None) -> bytes:
    """Return a request as bytes."""
    header = f"Idempotency-Key: {key}\r\n" if key else ""
    return (
        f"POST {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n{header}"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body


def get(path: str, token: str) -> bytes:
    """Return a request as bytes."""
    return f"GET {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
