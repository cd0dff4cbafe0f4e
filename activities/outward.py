"""Calls over HTTP: to providers, and to addresses that somebody else has written.

Such an address must not reach what only this machine reaches: its own services, its network, a
cloud's metadata. The host is resolved once, every address that it has is checked, and the
connection goes to the very address that was checked, so that a name which resolves differently a
moment later gains nothing. Redirects are not followed; proxies of the environment are not used.
"""

import http.client
import re
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from threading import Timer
from typing import Final, Self
from urllib.parse import quote, urlsplit

METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")

LARGEST: Final = 256 * 1024
"""Bytes that are read of an answer's body."""

_OURS: Final = frozenset({"host", "content-length", "transfer-encoding", "connection"})
"""Headers that belong to the connection, not to the caller."""

_NAT64: Final = IPv6Network("64:ff9b::/96")
_ASSIGNED: Final = IPv4Network("192.0.0.0/24")
"""For protocols, and a cloud's metadata; Python 3.11 takes a part of it for public."""
_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_SMUGGLED: Final = "a header, or the web address, holds signs that must not be there"
_CHUNK: Final = 16 * 1024


class NotAllowed(Exception):
    """The call is refused here and nothing was sent; it would be refused again.

    The text of this and of the other two names the host at most, never the rest of the address.
    """


class NotReached(Exception):
    """There was no connection: nothing was sent, and another time it may go well."""


class NotAnswered(Exception):
    """The request, or a part of it, was sent; what became of it is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What the other side answered. The names of `headers` are in lower case.

    Without `whole` the body is only its beginning: it was longer than `LARGEST`, or broke off.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    whole: bool = True


@dataclass(frozen=True, slots=True)
class _Target:
    secure: bool
    host: str
    port: int
    path: str
    named: str
    """The `Host` header: the name, and the port where it is not the usual one."""


def call(
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    timeout: float,
    *,
    allow_private: bool = False,
    ready: Callable[[], None] | None = None,
) -> Answered:
    """Send one request and return the answer, whatever its status.

    `timeout` is in seconds and holds for the whole call, but for the look-up of the name, which
    has the system's own limit. `allow_private` permits addresses of this machine and its network.
    `ready` is called once there is a connection, before anything is sent: what it raises ends the
    call.

    Raises:
        NotAllowed: the address, the method or a header cannot be accepted.
        NotReached: nothing was sent.
        NotAnswered: it was sent, without an answer in time.
    """
    target = _target(url)
    if method not in METHODS:
        raise NotAllowed(f"the method {method} is none of {', '.join(METHODS)}")
    connection = http.client.HTTPConnection(target.host, target.port)
    _write(connection, method, target, headers, body)  # kept back until there is a connection
    addresses = _addresses(target, allow_private=allow_private)
    with _Watch(timeout) as watch, closing(connection):
        connection.sock = _connected(target, addresses, watch)
        if ready is not None:
            ready()
        try:
            return _exchange(connection, body)
        except (OSError, http.client.HTTPException) as error:
            late = watch.over or isinstance(error, TimeoutError)
            why = "did not answer in time" if late else f"broke off ({type(error).__name__})"
            raise NotAnswered(f"{target.host} {why}") from None


class _Watch:
    """Ends a connection when the call's time is over.

    A socket's own time-out begins anew with every byte that arrives; this one does not.
    """

    def __init__(self, seconds: float) -> None:
        self.over = False
        self._ends = time.monotonic() + seconds
        self._timer = Timer(seconds, self._cut)
        self._timer.daemon = True
        self._watched: socket.socket | None = None

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        if self._watched is not None:
            self._watched.close()

    @property
    def left(self) -> float:
        """Seconds until the time is over."""
        return self._ends - time.monotonic()

    def watch(self, connected: socket.socket) -> None:
        """From now on, end this connection."""
        self._watched = connected
        if self.over:
            self._cut()

    def _cut(self) -> None:
        self.over = True
        if self._watched is not None:
            with suppress(OSError):
                # The encrypted socket's own `shutdown` would take its state from under the
                # thread that reads from it.
                socket.socket.shutdown(self._watched, socket.SHUT_RDWR)


def _target(url: str) -> _Target:
    try:
        parts = urlsplit(url)
        port = parts.port
        host = (parts.hostname or "").encode("idna" if not _is_address(parts.hostname) else "ascii")
    except ValueError:
        raise NotAllowed("the web address cannot be read") from None
    if parts.scheme not in {"http", "https"}:
        raise NotAllowed("a web address begins with https:// or http://")
    if parts.username is not None or parts.password is not None:
        raise NotAllowed("a user and password belong into a header, not into the web address")
    name = host.decode()
    if not name:
        raise NotAllowed("the web address names no host")
    secure = parts.scheme == "https"
    usual = 443 if secure else 80
    named = f"[{name}]" if ":" in name else name
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    if parts.query:
        path += "?" + quote(parts.query, safe="/?%:@!$&'()*+,;=~-._[]")
    return _Target(
        secure=secure,
        host=name,
        port=port if port is not None else usual,
        path=path,
        named=named if port in {None, usual} else f"{named}:{port}",
    )


def _is_address(host: str | None) -> bool:
    with suppress(ValueError):
        ip_address(host or "")
        return True
    return False


def _addresses(target: _Target, *, allow_private: bool) -> list[str]:
    """Resolve the host once; refuse it when any of its addresses is not of the public internet."""
    try:
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise NotReached(f"the name {target.host} is not known") from None
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not allow_private and not all(map(is_public, addresses)):
        raise NotAllowed(
            f"{target.host} is an address of this machine or of a private network; "
            "PARCOURS_ALLOW_PRIVATE_ADDRESSES=true permits it"
        )
    return addresses


def is_public(address: str) -> bool:
    """Whether an address is one of the public internet, also when it is wrapped in IPv6."""
    ip = ip_address(address.partition("%")[0])
    inner = _wrapped(ip)
    if inner is not None:
        return is_public(str(inner))
    return ip.is_global and not (
        ip.is_multicast
        or ip.is_reserved
        or ip.is_loopback
        or ip.is_link_local
        or ip in _ASSIGNED
        or (isinstance(ip, IPv6Address) and ip.is_site_local)
    )


def _wrapped(ip: IPv4Address | IPv6Address) -> IPv4Address | None:
    """Return the IPv4 address to which an IPv6 address leads (mapped, 6to4, Teredo, NAT64)."""
    if isinstance(ip, IPv4Address):
        return None
    if ip in _NAT64:
        return IPv4Address(int(ip) & 0xFFFFFFFF)
    if ip.teredo is not None:
        return ip.teredo[1]
    return ip.ipv4_mapped or ip.sixtofour


def _write(
    connection: http.client.HTTPConnection,
    method: str,
    target: _Target,
    headers: Mapping[str, str],
    body: bytes,
) -> None:
    """Write the request's head into the connection's buffer; nothing is sent yet."""
    try:
        connection.putrequest(method, target.path, skip_host=True, skip_accept_encoding=True)
        connection.putheader("Host", target.named)
        connection.putheader("Connection", "close")
        connection.putheader("Content-Length", str(len(body)))
        for name, value in headers.items():
            if name.lower() in _OURS:
                raise NotAllowed(f"the header {name} is set by the call itself")
            if _CONTROL.search(value):
                raise NotAllowed(_SMUGGLED)
            connection.putheader(name, value.encode())
    except (ValueError, http.client.HTTPException):
        raise NotAllowed(_SMUGGLED) from None


def _connected(target: _Target, addresses: list[str], watch: _Watch) -> socket.socket:
    """Connect to the first of these addresses that answers."""
    why = ""
    for address in addresses:
        if watch.left <= 0:
            break
        try:
            connected = socket.create_connection((address, target.port), timeout=watch.left)
        except OSError as error:
            why = f"cannot be reached ({type(error).__name__})"
            continue
        watch.watch(connected)
        try:
            return _encrypted(target, connected, watch) if target.secure else connected
        except (OSError, ValueError) as error:
            connected.close()
            why = f"has no encryption that can be trusted ({type(error).__name__})"
    raise NotReached(f"{target.host} {why if why and not watch.over else 'did not answer in time'}")


def _encrypted(target: _Target, plain: socket.socket, watch: _Watch) -> socket.socket:
    connected = _trust().wrap_socket(
        plain, server_hostname=target.host, do_handshake_on_connect=False
    )
    watch.watch(connected)
    try:
        connected.do_handshake()
    except OSError:
        connected.close()
        raise
    return connected


@cache
def _trust() -> ssl.SSLContext:
    return ssl.create_default_context()


def _exchange(connection: http.client.HTTPConnection, body: bytes) -> Answered:
    connection.endheaders(body or None)
    response = connection.getresponse()
    headers = {name.lower(): value for name, value in response.getheaders()}
    read, whole = bytearray(), True
    try:
        while len(read) <= LARGEST and (more := response.read1(_CHUNK)):
            read += more
        if len(read) <= LARGEST and response.length:
            whole = False
    except (OSError, http.client.HTTPException):
        # It has answered: by its status the call is decided.
        whole = False
    return Answered(
        status=response.status,
        headers=headers,
        body=bytes(read[:LARGEST]),
        whole=whole and len(read) <= LARGEST,
    )
