"""No test talks to the network: only to this machine's own addresses and sockets."""

import ipaddress
import socket
from typing import Any

import pytest

__all__ = ["NetworkForbidden", "forbid"]

NAMES = frozenset({"localhost", "", None})


class NetworkForbidden(BaseException):
    """A test tried to reach another machine. No ordinary handler swallows this, so the test says so."""


def forbid(patch: pytest.MonkeyPatch) -> None:
    """Let connections, datagrams and look-ups of names reach nothing but loopback and unix sockets."""
    for method in ("connect", "connect_ex"):
        patch.setattr(socket.socket, method, _guarded(getattr(socket.socket, method)))
    patch.setattr(socket.socket, "sendto", _guarded_sendto(socket.socket.sendto))
    patch.setattr(socket, "getaddrinfo", _guarded_lookup(socket.getaddrinfo))


def _guarded(call: Any) -> Any:
    def guarded(self: socket.socket, address: Any) -> Any:
        _check(self.family, address)
        return call(self, address)

    return guarded


def _guarded_sendto(call: Any) -> Any:
    def guarded(self: socket.socket, data: Any, *rest: Any) -> Any:
        _check(self.family, rest[-1])
        return call(self, data, *rest)

    return guarded


def _guarded_lookup(call: Any) -> Any:
    def guarded(host: Any, *rest: Any, **more: Any) -> Any:
        _check(socket.AF_INET, (host, None))
        return call(host, *rest, **more)

    return guarded


def _check(family: int, address: Any) -> None:
    if family not in {socket.AF_INET, socket.AF_INET6}:
        return
    host = address[0].decode() if isinstance(address[0], bytes) else address[0]
    if host in NAMES:
        return
    try:
        is_ours = ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        is_ours = False
    if not is_ours:
        raise NetworkForbidden(f"a test tried to reach {host}:{address[1]}; tests talk to this machine only")
