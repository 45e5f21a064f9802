"""A client who begins a request and falls silent keeps no thread; one who is only slow is heard."""

import socket

import pytest
from onhand.cli import patience
from onhand.cli.patience import PatientUnreader


@pytest.fixture
def line():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def test_who_falls_silent_is_taken_for_gone_and_never_heard_again(line, monkeypatch):
    ours, theirs = line
    monkeypatch.setattr(patience, "READ_SECONDS", 0.05)
    reader = PatientUnreader(ours)
    theirs.sendall(b"POST /")
    assert reader.chunk() == b"POST /"
    assert reader.chunk() == b""
    assert ours.gettimeout() is None, "answering is not cut short"
    with pytest.raises(BrokenPipeError):
        theirs.sendall(b"GET / HTTP/1.1")
    assert reader.chunk() == b""


def test_time_is_counted_over_a_whole_request_and_grows_with_what_comes(line, monkeypatch):
    ours, theirs = line
    monkeypatch.setattr(patience, "READ_SECONDS", 0.0)
    reader = PatientUnreader(ours)
    theirs.sendall(b"a" * 8_000)
    assert len(reader.chunk()) == 8_000
    reader._waited_seconds = 7.9
    theirs.sendall(b"b")
    assert reader.chunk() == b"b", "eight seconds are earned"
    reader._waited_seconds = 8.1
    assert reader.chunk() == b""
    reader.begin()
    assert (reader._waited_seconds, reader._received_bytes) == (0.0, 0)


def test_a_socket_that_does_not_wait_is_read_as_it_is(line):
    ours, _ = line
    ours.setblocking(False)
    with pytest.raises(BlockingIOError):
        PatientUnreader(ours).chunk()
    assert ours.gettimeout() == 0.0
