import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any

import pytest
from onhand_demo.events import Envelope, Event
from onhand_demo.journal import Journal, rate
from onhand_demo.sender import replay
from onhand_demo.stream import Batch, Stream, Wave
from onhand_demo.wire import Wire
from onhand_demo.world import World


class Site(ThreadingHTTPServer):
    """Answers as the contract says, after being unwell in the way asked for."""

    daemon_threads = True

    def __init__(self, unwell: list[str]) -> None:
        super().__init__(("127.0.0.1", 0), Door)
        self.unwell = unwell
        self.lock = Lock()
        self.bodies: list[bytes] = []
        self.requests: list[tuple[str, str | None, Any]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Door(BaseHTTPRequestHandler):
    server: Site
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        with self.server.lock:
            self.server.bodies.append(body)
            ill = self.server.unwell.pop(0) if self.server.unwell else None
            self.server.requests.append((self.path, self.headers["idempotency-key"], json.loads(body)))
        if ill == "hang up":
            self.close_connection = True
            return
        if ill == "busy":
            self._answer(503, {"title": "Unavailable"})
            return
        if ill == "too large":
            self._answer(413, {"title": "Too large"})
            return
        self._answer(*self._outcome(json.loads(body)))

    def _outcome(self, sent: Any) -> tuple[int, Any]:
        if self.path == "/api/v1/events":
            return 200, {"results": [{"id": each["id"], "outcome": "posted"} for each in sent]}
        if self.path == "/api/v1/reservations/batch":
            answers = [(each["key"], *self._hold(each)) for each in sent["requests"]]
            return 200, {"results": [{"key": key, "status": status, "body": body} for key, status, body in answers]}
        return self._hold(sent) if self.path == "/api/v1/reservations" else (200, {})

    def _hold(self, sent: Any) -> tuple[int, Any]:
        if any(line["quantity"] > 1 for line in sent["lines"]):
            return 409, {"title": "Out of stock", "shortfalls": [{"requested": 2, "available": 1}]}
        lines = [{"location": "dc-east", **line} for line in sent["lines"]]
        return 201, {"id": sent["reference"], "status": "held", "lines": lines}

    def _answer(self, status: int, body: Any) -> None:
        payload = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(payload)))
        if status == 503:
            self.send_header("retry-after", "0")
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, *args: Any) -> None:
        pass


@contextmanager
def site(*unwell: str) -> Iterator[Site]:
    with Site(list(unwell)) as running:
        thread = Thread(target=running.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield running
        finally:
            running.shutdown()
            thread.join()


def batch(name: str, events: int = 3) -> Batch:
    envelopes = tuple(
        Envelope(Event(f"{name}-{n}", "onhand.sale.v1", "east-pos", 5.0, {"lines": []})) for n in range(events)
    )
    return Batch(0.0, "east-pos", envelopes)


def send(running: Site, *tasks: Batch | Wave, senders: int = 1) -> Journal:
    journal = Journal()
    tokens = dict.fromkeys(("east-pos", "east-web", "east-call", "east-market"), "secret")
    replay(tasks, base_url=running.url, tokens=tokens, senders=senders, journal=journal)
    return journal


@pytest.mark.parametrize("illness", ["busy", "hang up"])
def test_a_retry_sends_the_same_bytes_and_counts_each_event_once(illness: str) -> None:
    with site(illness, illness) as running:
        journal = send(running, batch("a"))
    assert len(running.bodies) == 3
    assert len(set(running.bodies)) == 1
    assert [event.id for event in journal.taken.values()] == ["a-0", "a-1", "a-2"]
    assert journal.retries == 2


def test_the_sender_gives_up_on_a_server_that_stays_busy() -> None:
    with site(*["busy"] * 100) as running, Wire(running.url, give_up_after_s=0.2) as wire:
        with pytest.raises(Exception, match="503"):
            wire.post("/api/v1/events", b"[]", token="secret")
        assert len(running.bodies) > 1


def test_every_task_is_sent_once_whatever_the_number_of_senders() -> None:
    with site() as running:
        journal = send(running, *(batch(f"b{n}") for n in range(40)), senders=4)
    assert sorted(event.id for event in journal.taken.values()) == sorted(
        f"b{n}-{m}" for n in range(40) for m in range(3)
    )
    assert journal.events_per_s > 0


def test_a_batch_refused_as_a_whole_is_a_complaint_and_nothing_is_taken_as_posted() -> None:
    with site("too large") as running:
        journal = send(running, batch("c"))
    assert len(running.bodies) == 1
    assert journal.taken == {}
    assert "413 Too large" in journal.complaints[0]


def test_only_orders_that_got_their_promise_are_confirmed_and_shipped(stream: Stream, world: World) -> None:
    waves = [task for task in stream.tasks if isinstance(task, Wave)]
    orders = [order for wave in waves for order in wave.orders]
    with site() as running:
        journal = send(running, *waves, senders=2)
    refused = {order.reference for order in orders if any(line.quantity > 1 for line in order.lines)}
    assert journal.complaints == []
    assert journal.holds["refused"] == len(refused) > 0
    assert journal.holds["held"] == len(orders) - len(refused) > 0
    reported = {event.data["order"] for event in journal.taken.values()}
    assert reported
    assert reported.isdisjoint(refused)
    keys = [key for path, key, _ in running.requests if path != "/api/v1/events" and not path.endswith("batch")]
    keys += [each["key"] for path, _, body in running.requests if path.endswith("batch") for each in body["requests"]]
    assert None not in keys
    assert len(set(keys)) == len(keys)


def test_overlapping_requests_count_their_time_once() -> None:
    assert rate(30, [(0, 2), (1, 3), (10, 12)]) == 6
    assert rate(0, []) == 0
