"""Rounds: requests that share a thread are answered as those that have one each, whatever is sent and however."""

import json
import socket
import threading
import time
from urllib.parse import urlsplit

import pytest

OWN_EACH_TIME = {b"x-request-id", b"date"}
ROUNDS = b'onhand_round_requests_count{endpoint="reservations_api_door.'
SECONDS_MAX = 60.0


class Line:
    """A connection: bytes go in, whole answers come out."""

    def __init__(self, url):
        address = urlsplit(url)
        self.socket = socket.create_connection((address.hostname, address.port), timeout=SECONDS_MAX)
        self.rest = b""

    def send(self, *pieces):
        for number, piece in enumerate(pieces):
            if number:
                time.sleep(0.05)  # so that the pieces arrive apart
            self.socket.sendall(piece)

    def answer(self):
        """Return status line, headers and body of the next answer; None where the connection has ended."""
        while b"\r\n\r\n" not in self.rest:
            if not self._more():
                return None
        head, _, self.rest = self.rest.partition(b"\r\n\r\n")
        status, *lines = head.split(b"\r\n")
        headers = dict(line.split(b": ", 1) for line in lines)
        headers = {name.lower(): value for name, value in headers.items()}
        length = int(headers[b"content-length"])
        while len(self.rest) < length:
            assert self._more()
        body, self.rest = self.rest[:length], self.rest[length:]
        return status, {name: value for name, value in headers.items() if name not in OWN_EACH_TIME}, body

    def _more(self):
        got = self.socket.recv(65_536)
        self.rest += got
        return bool(got)


@pytest.fixture
def line(fleet):
    opened = []

    def connect():
        opened.append(Line(fleet.url))
        return opened[-1]

    yield connect
    for one in opened:
        one.socket.close()


@pytest.fixture
def request_of(world):
    def make(method="POST", path="/reservations", body=None, *, headers=(), version="1.1", given=None):
        payload = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        told = {"Host": "shop", "Authorization": f"Bearer {world.secret}", "Content-Length": str(len(payload))}
        told |= dict(headers)
        lines = [f"{method} /api/v1{path} HTTP/{version}", *(f"{n}: {v}" for n, v in told.items() if v is not None)]
        return "\r\n".join([*lines, "", ""]).encode() + (payload if given is None else given)

    return make


def rounds_of(line):
    """How many rounds the process at the other end has answered."""
    line.send(b"GET /metrics HTTP/1.1\r\nHost: shop\r\n\r\n")
    _, _, body = line.answer()
    return sum(float(row.split(b" ")[1]) for row in body.splitlines() if row.startswith(ROUNDS))


CASES = {
    "held": ({}, {}),
    "refused": ({}, {"lines": [{"sku": "?", "quantity": 9_000}]}),
    "no-channel": ({}, {"channel": "nobody"}),
    "wrong": ({}, {"lines": "x"}),
    "no-key": ({"Idempotency-Key": None}, {}),
    "stranger": ({"Authorization": "Bearer oh_x"}, {}),
    "nobody": ({"Authorization": None}, {}),
    "own-id": ({"X-Request-ID": "mine-12345"}, {}),
}


@pytest.mark.parametrize("case", CASES)
def test_a_round_answers_what_a_thread_of_its_own_does(line, world, request_of, case):
    headers, more = CASES[case]
    world.stock(10)
    wish = world.wish(key="k").body | more
    if isinstance(wish["lines"], list):
        wish["lines"] = [one | {"sku": world.sku} for one in wish["lines"]]
    sent = request_of(body=wish, headers={"Idempotency-Key": "k", **headers})
    one = line()
    before = rounds_of(one)
    one.send(sent)
    first = one.answer()
    assert rounds_of(one) == before + 1
    one.send(sent[:40], sent[40:])  # in two pieces: a thread waits for the second
    assert one.answer() == first
    assert rounds_of(one) == before + 1
    world.check()


@pytest.mark.parametrize(
    ("headers", "given"),
    [
        ({"Transfer-Encoding": "chunked", "Content-Length": None}, b"2\r\n{}\r\n0\r\n\r\n"),
        ({"Content-Length": "2, 3"}, b"{}"),
        ({"Content-Length": "-2"}, b"{}"),
        ({"Content-Length": "2", "content-length": "3"}, b"{} "),
        ({"Content-Length": None}, b""),
        ({"Bad Name": "x"}, b""),
        ({"Expect": "200-ok"}, b""),
    ],
)
def test_what_is_unusual_never_joins_a_round(line, request_of, headers, given):
    one = line()
    before = rounds_of(one)
    one.send(request_of(headers={"Idempotency-Key": "k", **headers}, given=given))
    told = one.answer()
    assert told is None or b" 4" in told[0] or b" 5" in told[0]
    assert rounds_of(line()) >= 0  # the process still answers
    assert told is None or told[1][b"connection"] == b"close" or rounds_of(one) == before


def test_a_length_that_only_the_parser_understands_takes_no_request_apart(line, world, request_of):
    hidden = request_of(body=world.wish().body, headers={"Idempotency-Key": "hidden"})
    one = line()
    told = {"Content-Length": str(10**9 + len(hidden))}
    one.send(
        request_of("GET", f"/availability?channel={world.channel.code}&sku={world.sku}", headers=told, given=hidden)
    )
    one.socket.shutdown(socket.SHUT_WR)
    answers = [one.answer(), one.answer()]
    assert answers[1] is None  # the body is a body, whatever it looks like
    assert world.states() == {}


def test_no_client_says_where_the_site_is_mounted(line, world, request_of):
    path = f"/availability?channel={world.channel.code}&sku={world.sku}"
    asked = {"SCRIPT_NAME": "/elsewhere", "Transfer-Encoding": "chunked", "Content-Length": None}
    one = line()
    one.send(request_of("GET", path, headers=asked, given=b"0\r\n\r\n"))
    assert one.answer()[0] == b"HTTP/1.1 200 OK"


def test_requests_sent_at_once_over_one_connection_are_answered_in_order(line, world, request_of):
    world.stock(10)
    asks = [world.wish() for _ in range(5)]
    one = line()
    one.send(b"".join(request_of(body=ask.body, headers={"Idempotency-Key": ask.key}) for ask in asks))
    told = [json.loads(one.answer()[2]) for _ in asks]
    assert [body["reference"] for body in told] == [ask.body["reference"] for ask in asks]


def test_who_asks_to_close_is_answered_and_the_connection_ends(line, world, request_of):
    world.stock(1)
    one = line()
    one.send(request_of(body=world.wish().body, headers={"Idempotency-Key": "k", "Connection": "close"}))
    status, headers, _ = one.answer()
    assert (status, headers[b"connection"]) == (b"HTTP/1.1 201 CREATED", b"close")
    assert one.answer() is None


def test_who_is_slow_to_send_holds_nobody_up(line, world, request_of):
    world.stock(2)
    slow, quick = line(), line()
    first, second = (
        request_of(body=world.wish().body, headers={"Idempotency-Key": f"k{number}"}) for number in range(2)
    )
    slow.send(first[:-5])
    quick.send(second)
    assert quick.answer()[0] == b"HTTP/1.1 201 CREATED"
    slow.send(first[-5:])
    assert slow.answer()[0] == b"HTTP/1.1 201 CREATED"


def test_many_who_ask_together_share_rounds_and_get_each_their_own_answer(line, world, request_of):
    world.stock(150)
    lines = [line() for _ in range(24)]
    told = [[] for _ in lines]

    def client(number):
        for turn in range(8):
            ask = world.wish(reference=f"web-{number}-{turn}")
            lines[number].send(request_of(body=ask.body, headers={"Idempotency-Key": ask.key}))
            told[number].append(lines[number].answer())

    threads = [threading.Thread(target=client, args=(number,)) for number in range(len(lines))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    held = [answer for answers in told for answer in answers if b" 201 " in answer[0]]
    assert len(held) == 150
    for number, answers in enumerate(told):
        for turn, (status, _, body) in enumerate(answers):
            assert b" 409 " in status or json.loads(body)["reference"] == f"web-{number}-{turn}"
    assert world.states() == {"reserved": 150}
    world.check()
