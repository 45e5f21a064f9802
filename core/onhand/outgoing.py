"""HTTP out, to addresses that people typed in: never to what only this host or its network can reach.

A name is resolved once, judged, and connected to at the very address that was judged; redirects are not followed, and
of an answer no more is read than was asked for.
"""

import socket
import ssl
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

import httpcore

__all__ = ["URL_CHARACTERS_MAX", "Answered", "BadAddress", "Undelivered", "ask", "check", "deliver"]

URL_CHARACTERS_MAX = 500
SECONDS_MAX = 10.0
ANSWER_SECONDS_MAX = 30.0
ANSWER_BYTES_MAX = 4 * 1024 * 1024
NAT64 = IPv6Network("64:ff9b::/96")
Address = IPv4Address | IPv6Address


class BadAddress(ValueError):
    """An address that nothing is sent to; the message says why."""


class Undelivered(Exception):
    """What was sent did not arrive, or was not taken; the message says how far it came."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What came back: names of headers in lower case, the body as it came."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def check(url: str, hosts: str = "") -> SplitResult:
    """Return an address taken apart; BadAddress where nothing would be sent to it.

    It is `https`; `http` only to this host itself. `hosts` are names, addresses and networks inside one's own network
    that may be reached though they are not public, separated by commas. A name is looked up when something is sent.
    """
    if len(url) > URL_CHARACTERS_MAX or not url.isascii() or not url.isprintable() or " " in url:
        raise BadAddress(f"an address has at most {URL_CHARACTERS_MAX} characters of ASCII, and no blanks")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise BadAddress(f"{url} is no address") from None
    if not host or parts.scheme not in ("https", "http"):
        raise BadAddress(f"{url or 'nothing'} is no address: https://… is")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise BadAddress("an address has no user name, password or # part: what is sent is signed instead")
    literal = _literal(host)
    if parts.scheme == "http" and not (host == "localhost" or (literal and literal.is_loopback)):
        raise BadAddress("it must be https")
    if literal:
        _judge(host, literal, hosts)
    elif host == "localhost" and not _is_listed(host, None, hosts):
        raise BadAddress(_not_public(host))
    return parts


def deliver(url: str, body: bytes, headers: Mapping[str, str], *, hosts: str = "") -> None:
    """POST a body; Undelivered unless it is answered with 2xx within ten seconds of each silence."""
    with _posted(url, body, headers, hosts) as answer:
        status = answer.status
    if not 200 <= status < 300:
        raise Undelivered(f"it answered {status}" + (", and redirects are not followed" if 300 <= status < 400 else ""))


def ask(url: str, body: bytes, headers: Mapping[str, str], *, hosts: str = "") -> Answered:
    """POST a body and return what is answered, whatever its status; Undelivered where no whole answer comes.

    Waits ten seconds at most for each silence and thirty for all of it, and reads no more than 4 MiB. Whether what was
    sent arrived is not known then.
    """
    until = time.monotonic() + ANSWER_SECONDS_MAX
    read = bytearray()
    with _posted(url, body, headers, hosts) as answer:
        for chunk in answer.iter_stream():
            read += chunk
            if len(read) > ANSWER_BYTES_MAX:
                raise Undelivered(f"its answer is longer than {ANSWER_BYTES_MAX} bytes")
            if time.monotonic() > until:
                raise Undelivered(f"no whole answer within {ANSWER_SECONDS_MAX:g} s")
        told = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in answer.headers}
        return Answered(answer.status, told, bytes(read))


@contextmanager
def _posted(url: str, body: bytes, headers: Mapping[str, str], hosts: str) -> Iterator[httpcore.Response]:
    """Yield the answer to a POST, its body unread; whatever goes wrong on the way is Undelivered."""
    try:
        check(url, hosts)
        with httpcore.ConnectionPool(
            ssl_context=ssl.create_default_context(), max_connections=1, network_backend=_Guarded(hosts)
        ) as pool:
            waits = {"timeout": dict.fromkeys(("connect", "read", "write", "pool"), SECONDS_MAX)}
            with pool.stream("POST", url, headers=[*headers.items()], content=body, extensions=waits) as answer:
                yield answer
    except BadAddress as refusal:
        raise Undelivered(str(refusal)) from None
    except httpcore.TimeoutException:
        raise Undelivered(f"no answer within {SECONDS_MAX:g} s") from None
    except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.UnsupportedProtocol) as error:
        raise Undelivered(f"it could not be reached: {error}") from None


class _Guarded(httpcore.NetworkBackend):
    """Connects to what a name is resolved to, unless any of it is not to be reached."""

    def __init__(self, hosts: str) -> None:
        self._hosts = hosts
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError:
            raise BadAddress(f"there is no {host}") from None
        addresses = [str(one[4][0]) for one in found]
        for address in addresses:
            _judge(host, ip_address(address.partition("%")[0]), self._hosts)
        return self._inner.connect_tcp(addresses[0], port, timeout, local_address, socket_options)


def _judge(host: str, address: Address, hosts: str) -> None:
    reached = _embedded(address)
    if (not reached.is_global or reached.is_multicast) and not _is_listed(host, address, hosts):
        raise BadAddress(_not_public(host))


def _embedded(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 address leads to, where it leads to one."""
    if isinstance(address, IPv4Address):
        return address
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else address)


def _is_listed(host: str, address: Address | None, hosts: str) -> bool:
    for entry in filter(None, (one.strip().lower() for one in hosts.split(","))):
        if entry == host.lower():
            return True
        try:
            if address is not None and address in ip_network(entry, strict=False):
                return True
        except ValueError:
            continue
    return False


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _not_public(host: str) -> str:
    return f"{host} is not public: list it in ONHAND_OUTGOING_HOSTS if it is to be reached all the same"
