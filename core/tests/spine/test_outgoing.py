"""HTTP out: what people typed in leads nowhere inside, by no spelling and by no name."""

import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from onhand import outgoing
from onhand.outgoing import BadAddress, Undelivered, ask, check, deliver


@pytest.fixture
def heard():
    """A server on this host: what it heard, at `heard.url`, answering with `heard.status`."""

    class Door(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.server.calls.append((self.path, dict(self.headers), body))
            self.send_response(self.server.status)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", str(len(self.server.answer)))
            self.end_headers()
            self.wfile.write(self.server.answer)

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Door)
    server.calls, server.status, server.answer = [], 200, b""
    server.url = f"http://127.0.0.1:{server.server_port}/hook"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "is no address"),
        ("ftp://hooks.example.org/", "is no address"),
        ("https:///x", "is no address"),
        ("https://hooks.example.org:x/", "is no address"),
        ("http://hooks.example.org/", "must be https"),
        ("https://me:secret@hooks.example.org/", "no user name"),
        ("https://hooks.example.org/#a", "no user name"),
        ("https://hooks.example.org/ x", "no blanks"),
        ("https://hooks.example.org/\r\nX-Y: z", "no blanks"),
        (f"https://hooks.example.org/{'x' * 500}", "at most 500"),
        ("https://127.0.0.1/", "not public"),
        ("https://localhost/", "not public"),
        ("http://[::1]/", "not public"),
        ("https://10.1.2.3/", "not public"),
        ("https://169.254.169.254/latest/meta-data", "not public"),
        ("https://100.64.0.1/", "not public"),
        ("https://224.0.1.1/", "not public"),
        ("https://[::ffff:10.0.0.1]/", "not public"),
        ("https://[64:ff9b::a00:1]/", "not public"),
        ("https://[2002:a00:1::]/", "not public"),
        ("https://[fd00::1]/", "not public"),
        ("https://0.0.0.0/", "not public"),
    ],
)
def test_what_nothing_is_sent_to_is_refused(url, said):
    with pytest.raises(BadAddress, match=said):
        check(url)


def test_public_addresses_and_those_listed_are_taken():
    assert check("https://hooks.example.org:8443/a?b=c").hostname == "hooks.example.org"
    check("https://93.184.215.14/")
    check("http://127.0.0.1:8000/", "hooks.internal, 127.0.0.0/8")
    check("https://10.1.2.3/", "10.1.0.0/16")
    with pytest.raises(BadAddress):
        check("https://10.2.2.3/", "10.1.0.0/16, nonsense/99")


@pytest.mark.parametrize(
    "address", ["10.0.0.1", "127.0.0.1", "169.254.169.254", "::1", "::ffff:192.168.0.1", "fe80::1%1"]
)
def test_a_name_that_leads_inside_is_not_connected_to(heard, monkeypatch, address):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    found = [(socket.AF_INET, 1, 6, "", ("93.184.215.14", 443)), (family, 1, 6, "", (address, heard.server_port))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    with pytest.raises(Undelivered, match=r"rebound\.example\.org is not public"):
        deliver(f"https://rebound.example.org:{heard.server_port}/", b"{}", {})
    assert heard.calls == []


def test_a_body_arrives_as_it_was_sent(heard):
    deliver(heard.url, b'{"a": 1}', {"webhook-id": "1"}, hosts="127.0.0.1")
    [(path, headers, body)] = heard.calls
    assert (path, headers["webhook-id"], body) == ("/hook", "1", b'{"a": 1}')


@pytest.mark.parametrize(("status", "said"), [(302, "redirects are not followed"), (500, "it answered 500")])
def test_what_is_not_taken_is_undelivered(heard, status, said):
    heard.status = status
    with pytest.raises(Undelivered, match=said):
        deliver(heard.url, b"{}", {}, hosts="127.0.0.1")
    assert [call[0] for call in heard.calls] == ["/hook"]


def test_nobody_there_is_undelivered(heard):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        with pytest.raises(Undelivered, match="could not be reached"):
            deliver(f"http://127.0.0.1:{free.getsockname()[1]}/", b"{}", {}, hosts="127.0.0.1")


def test_what_is_answered_is_read_whatever_its_status(heard):
    heard.status, heard.answer = 429, b'{"wait": 1}'
    answered = ask(heard.url, b"{}", {"x-token": "t"}, hosts="127.0.0.1")
    assert (answered.status, answered.body, answered.headers["location"]) == (429, b'{"wait": 1}', "/elsewhere")
    assert heard.calls[0][1]["x-token"] == "t"


def test_an_answer_without_end_is_not_read_to_it(heard, monkeypatch):
    monkeypatch.setattr(outgoing, "ANSWER_BYTES_MAX", 1_000)
    heard.answer = b"x" * 1_001
    with pytest.raises(Undelivered, match="longer than 1000 bytes"):
        ask(heard.url, b"{}", {}, hosts="127.0.0.1")
    with pytest.raises(Undelivered, match="not public"):
        ask(heard.url, b"{}", {})
