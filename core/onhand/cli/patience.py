"""How long a web process waits for what a client has begun to say, or does not take off its hands."""

import errno
import socket
import struct
import time

from gunicorn.http.unreader import SocketUnreader

__all__ = ["PatientUnreader", "bound_sending"]

READ_SECONDS = 10.0
BYTES_PER_SECOND_MIN = 1_000
SEND_SECONDS = 20
"""Without any progress; who takes an answer in slowly is waited for."""


class PatientUnreader(SocketUnreader):  # type: ignore[misc]  # gunicorn has no types
    """Reads a connection, and takes it for ended when a request keeps a thread waiting for too long.

    A request may be waited for `READ_SECONDS`, and a second more for each `BYTES_PER_SECOND_MIN` that came: a large
    body over a slow line passes, a client who says half a word and falls silent does not. Nothing is read from the
    connection afterwards, so that what comes late is never taken for another request. A socket that does not wait is
    read as it is.
    """

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(sock)
        self.begin()

    def begin(self) -> None:
        """Another request: its time begins."""
        self._waited_seconds = 0.0
        self._received_bytes = 0

    def chunk(self, size_hint: int | None = None) -> bytes:
        """Return what comes next, nothing when the connection has ended or time is up."""
        if self.sock.gettimeout() == 0.0:
            return bytes(super().chunk(size_hint))
        left_seconds = READ_SECONDS + self._received_bytes / BYTES_PER_SECOND_MIN - self._waited_seconds
        began = time.monotonic()
        try:
            self.sock.settimeout(max(left_seconds, 0.001))
            data = bytes(super().chunk(size_hint))
        except TimeoutError:
            _stop_reading(self.sock)
            return b""
        finally:
            self.sock.settimeout(None)
            self._waited_seconds += time.monotonic() - began
        self._received_bytes += len(data)
        return data


def bound_sending(sock: socket.socket) -> None:
    """Have sending fail when for `SEND_SECONDS` the client has taken nothing: its thread is wanted elsewhere."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("@ll", SEND_SECONDS, 0))


def _stop_reading(sock: socket.socket) -> None:
    try:
        sock.shutdown(socket.SHUT_RD)
    except OSError as error:  # it has ended meanwhile
        if error.errno != errno.ENOTCONN:
            raise
