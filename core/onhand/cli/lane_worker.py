"""A web process: gunicorn's threads, and rounds for the hot doors.

A thread per request is right for pages. Thousands of small requests a second it serves badly: threads that wake each
other queue up for the interpreter's lock, which costs more than the requests do. Here the thread that watches the
connections also reads, without ever waiting, requests to the hot doors. Those that came while a round was under way are
the next round, and one thread answers all of it: decodes, asks together, sends.

What has not arrived whole, is large or unusual, or is for another door, goes gunicorn's own way, from the first byte on;
so do all requests where TLS ends here or an access log is kept.
"""

import io
import re
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from email.utils import formatdate
from functools import lru_cache
from typing import Any, NamedTuple

from gunicorn.http.wsgi import SERVER
from gunicorn.workers.gthread import _DEFER, TConn, ThreadWorker

from onhand import shedding
from onhand.cli.patience import PatientUnreader, bound_sending
from onhand.cli.sharing import Seats
from onhand.metrics import round_requests
from onhand.recycling import end_web_process
from onhand.rest.calls import Ids, Lane, Visit, Way
from onhand.watching import Watch

__all__ = ["LaneWorker"]

REQUEST_BYTES_MAX = 65_536
ROUND_MAX = 128
ROUNDS_AT_ONCE = 2
"""Of one door and token: one is read and sent while the other is in the database."""
UNUSUAL = re.compile(rb"(?i)\r\n(?:expect|transfer-encoding|upgrade)[ \t]*:")
LENGTH = re.compile(rb"(?i)\r\ncontent-length[ \t]*:[ \t]*(\d{1,9})[ \t]*(?:\r\n|$)")


def _done(result: object) -> "Future[Any]":
    done: Future[Any] = Future()
    done.set_result(result)
    return done


KEPT, ENDED, SILENT = _done(True), _done(False), _done(_DEFER)
"""How a connection goes on, in gunicorn's terms: with another request to come, not at all, or with its first to come."""


class _Arrival(NamedTuple):
    """A request that has arrived whole."""

    connection: TConn
    visit: Visit
    is_kept: bool


class _Line:
    """What is asked of one door with one token: those who wait for a round, and the rounds under way."""

    __slots__ = ("key", "rounds", "waiting", "way")

    def __init__(self, key: tuple[Way, str], way: Way) -> None:
        self.key = key
        self.way = way
        self.rounds = 0
        self.waiting: deque[_Arrival] = deque()


SEATS = Seats()


class LaneWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """Gunicorn's threads, with rounds for what the application's lane answers, and a fair share of the connections."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self.share = SEATS.take()  # before the fork, by one process for all

    def run(self) -> None:
        """Serve until told to stop."""
        extensions = getattr(self.wsgi, "extensions", {})
        cfg = self.cfg
        is_plain = not (cfg.is_ssl or cfg.accesslog or cfg.http2_cleartext in {"prior-knowledge", "both"})
        self._lane: Lane | None = extensions.get("onhand_lane") if is_plain else None
        self._wait_seconds_max = extensions["onhand_settings"].wait_seconds_max if self._lane else 0.0
        self._lines: dict[tuple[Way, str], _Line] = {}
        self._grown: set[_Line] = set()
        self.alive: bool
        if extensions:
            Watch(self.wsgi, end_web_process).start()
        super().run()

    def accept(self, listener: Any) -> None:
        """Take a connection, unless another process should."""
        if self.share.lets_others(self.nr_conns):
            self.set_accept_enabled(False)
        else:
            super().accept(listener)
            self.share.tell(self.nr_conns)

    def set_accept_enabled(self, enabled: bool) -> None:
        """Watch for new connections, or no longer; not while another process should take them."""
        if not (enabled and self.share.is_back):
            super().set_accept_enabled(enabled)

    def enqueue_req(self, conn: TConn) -> None:
        """Hand a connection to a thread; one that is new and has said nothing yet is watched instead."""
        if self._lane is None or conn.initialized or conn.data_ready or not self.alive:
            super().enqueue_req(conn)
        else:
            self.finish_request(conn, SILENT)

    def handle(self, conn: TConn) -> Any:
        """Answer a request in a thread, without waiting for the whole of it for ever."""
        if conn.initialized and isinstance(conn.parser.unreader, PatientUnreader):
            conn.parser.unreader.begin()
        return super().handle(conn)

    def on_pending_socket_readable(self, conn: TConn, client: Any) -> None:
        """Have the first request of a connection join a round, or hand it to a thread."""
        if self._lane is None:
            super().on_pending_socket_readable(conn, client)
            return
        self.poller.unregister(client)
        self.pending_conns.remove(conn)
        conn.data_ready = True
        conn.init()
        conn.parser.unreader = PatientUnreader(conn.sock)
        bound_sending(conn.sock)
        conn.sock.setblocking(False)
        if not self._join(conn):
            super().enqueue_req(conn)

    def on_client_socket_readable(self, conn: TConn, client: Any) -> None:
        """Have a request that has arrived whole for a hot door join a round; hand any other to a thread."""
        self.poller.unregister(client)
        self.keepalived_conns.remove(conn)
        if self._lane is None or not self._join(conn):
            super().enqueue_req(conn)

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """Wait for connections that have something to say, and begin a round with those that want one."""
        super().wait_for_and_dispatch_events(self.share.seconds(timeout))
        self.share.waited()
        if self.alive:
            self.share.tell(self.nr_conns)
        else:
            self.share.leave()
        while self._grown:
            self._begin(self._grown.pop())

    def _join(self, conn: TConn) -> bool:
        found = self._read(conn)
        if found is None:
            return False
        way, arrival = found
        key = (way, arrival.visit.header("Authorization"))
        line = self._lines.get(key) or self._lines.setdefault(key, _Line(key, way))
        line.waiting.append(arrival)
        self._grown.add(line)
        return True

    def _read(self, conn: TConn) -> tuple[Way, _Arrival] | None:
        """Take a request off its connection; None, and the bytes left for gunicorn, unless all of it is there."""
        unreader = conn.parser.unreader
        try:
            data = conn.sock.recv(REQUEST_BYTES_MAX)
        except OSError:
            return None
        unreader.unread(data)
        found = self._way(data)
        if found is None:
            return None
        way, ids = found
        before = conn.parser.mesg
        try:
            request = next(conn.parser)
            body = request.body.read()
        except Exception:  # gunicorn reads it again from its first byte, and says what is wrong with it
            conn.parser.mesg = before
            unreader.buf = io.BytesIO(data)
            unreader.buf.seek(0, io.SEEK_END)
            return None
        self.nr += 1
        if self.nr >= self.max_requests and self.alive:
            self.log.info("Autorestarting worker after current request.")
            self.alive = False
        headers: dict[str, str] = {}
        for name, value in request.headers:
            headers[name] = f"{headers[name]},{value}" if name in headers else value
        visit = Visit(
            lambda name: headers.get(name.upper(), ""),
            request.query or "",
            lambda: body,
            is_secure=request.scheme == "https",
            ids=ids,
        )
        is_kept = (
            self.alive
            and bool(self.cfg.keepalive)
            and len(self.keepalived_conns) <= self.max_keepalived
            and not request.should_close()
        )
        return way, _Arrival(conn, visit, is_kept)

    def _way(self, data: bytes) -> tuple[Way, Ids] | None:
        """Return which hot door a request is for and the ids it names, if all of it is here and nothing is unusual."""
        head, ended, body = data.partition(b"\r\n\r\n")
        if not ended or UNUSUAL.search(head):
            return None
        words = head[: head.find(b"\r\n")].split(b" ")
        if len(words) != 3 or words[2] != b"HTTP/1.1":
            return None
        method = words[0].decode("latin-1")
        found = self._lane.find(method, words[1].partition(b"?")[0].decode("latin-1"))  # type: ignore[union-attr]  # there is a lane wherever these are called
        length = LENGTH.search(head)
        if found is None or (length is None and method == "POST") or (length and int(length[1]) > len(body)):
            return None
        return found

    def _begin(self, line: _Line) -> None:
        while line.waiting and line.rounds < ROUNDS_AT_ONCE:
            line.rounds += 1
            arrivals = [line.waiting.popleft() for _ in range(min(len(line.waiting), ROUND_MAX))]
            answered = self.tpool.submit(self._answer, line.way, arrivals)
            answered.add_done_callback(
                lambda done, arrivals=arrivals: self.method_queue.defer(self._finish, line, arrivals, done)
            )

    def _answer(self, way: Way, arrivals: Sequence[_Arrival]) -> list["Future[Any] | None"]:
        """Answer a round; return how each connection goes on, None for those whose answer is still being sent."""
        round_requests.labels(way.endpoint).observe(len(arrivals))
        in_time = []
        for one in arrivals:
            if shedding.waited_seconds(one.connection.sock) > self._wait_seconds_max:
                self._lane.refuse(one.visit, shedding.refusal())  # type: ignore[union-attr]  # a lane made the round
            else:
                in_time.append(one.visit)
        self._lane.answer(way, in_time)  # type: ignore[union-attr]  # there is a lane wherever these are called
        return [self._send(one) for one in arrivals]

    def _finish(self, line: _Line, arrivals: Sequence[_Arrival], done: "Future[list[Future[Any] | None]]") -> None:
        """Have the connections watched again, and begin the next round. In the thread that watches."""
        if done.exception() is not None:
            self.log.error("A round ended badly.", exc_info=done.exception())
        ends = done.result() if done.exception() is None else [ENDED] * len(arrivals)
        for arrival, end in zip(arrivals, ends, strict=True):
            if end is not None:
                self.finish_request(arrival.connection, end)
        line.rounds -= 1
        self._begin(line)
        if not line.rounds:
            self._lines.pop(line.key, None)

    def _send(self, one: _Arrival) -> "Future[Any] | None":
        message = self._message(one)
        try:
            sent = one.connection.sock.send(message)
        except BlockingIOError:
            sent = 0
        except OSError:
            return ENDED
        if sent == len(message):
            return KEPT if one.is_kept else ENDED
        rest = self.tpool.submit(_send_rest, one, message[sent:])  # a client who is slow to read holds nobody else up
        rest.add_done_callback(lambda done: self.method_queue.defer(self.finish_request, one.connection, done))
        return None

    def _message(self, one: _Arrival) -> bytes:
        answer = one.visit.answer
        lines = [
            f"HTTP/1.1 {answer.status_line}",
            f"Server: {SERVER}",
            f"Date: {_date(int(time.time()))}",
            f"Connection: {'keep-alive' if one.is_kept else 'close'}",
            *(f"{name}: {value}" for name, value in self._lane.headers(one.visit)),  # type: ignore[union-attr]  # there is a lane wherever these are called
        ]
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + answer.body


@lru_cache(maxsize=1)
def _date(second: int) -> str:
    return formatdate(second, usegmt=True)


def _send_rest(one: _Arrival, rest: bytes) -> bool:
    try:
        one.connection.sock.setblocking(True)
        one.connection.sock.sendall(rest)
    except OSError:
        return False
    return one.is_kept
