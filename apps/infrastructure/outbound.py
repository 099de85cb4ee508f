"""Calls to addresses that a user named: only outwards, only to the address that was checked.

The name is resolved once, every address it has must be public, and the connection goes to one of
exactly these: a name that answers differently the second time (DNS rebinding) changes nothing.
A redirect is followed only to fetch a file, and checked as the first address was; neither size nor
time of an answer is the other side's choice.
"""

import http
import http.client
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_network
from typing import BinaryIO
from urllib.parse import SplitResult, urljoin, urlsplit

from django.conf import settings

from apps.core.domain.networks import address_of, is_within
from apps.core.errors import InvalidInput, Refused
from apps.infrastructure.resilience import retrying
from apps.infrastructure.security_log import record

URL_LENGTH = 500
CONNECT_SECONDS = 3.0
TOTAL_SECONDS = 10.0
ANSWER_BYTES = 16 * 1024
CHUNK_BYTES = 64 * 1024
MAX_REDIRECTS = 3
REDIRECTS = frozenset({301, 302, 303, 307, 308})
MAX_HEADER = 100
# Inside, though `is_global` does not say so: IETF assignments with metadata servers among them,
# Azure's wire server, and the ways in which IPv6 carries an IPv4 address.
INSIDE = tuple(
    ip_network(text)
    for text in (
        *("192.0.0.0/24", "168.63.129.16/32", "192.88.99.0/24", "64:ff9b::/96", "64:ff9b:1::/48"),
        *("2002::/16", "2001::/32", "fec0::/10", "::/96", "100::/64", "2001:db8::/32"),
    )
)
PORTS_LOW = frozenset({80, 443})


class Unreachable(Exception):
    """Nothing was sent: no connection came about."""


class Broken(Exception):
    """The other side did not answer properly or in time; whether it acted is not known."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """A checked URL with the addresses that it may be reached at."""

    url: SplitResult
    addresses: tuple[str, ...]

    @property
    def port(self) -> int:
        return self.url.port or (443 if self.url.scheme == "https" else 80)

    @property
    def path(self) -> str:
        return (self.url.path or "/") + (f"?{self.url.query}" if self.url.query else "")


def url_check(url: str) -> SplitResult:
    """Return the URL's parts; raise InvalidInput for what is no plain web address.

    Nothing is resolved here: a form may call this for every key that is typed.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise InvalidInput("This is not an address.", field="url") from error
    plain = url.isascii() and url.isprintable() and not set(url) & set(' \\"<>^`{|}')
    if not plain or len(url) > URL_LENGTH or not parts.hostname:
        raise InvalidInput("This is not an address.", field="url")
    if parts.scheme not in {"https", "http"} or parts.fragment or "@" in parts.netloc:
        raise InvalidInput("Write https://, a host and a path; no user, no #.", field="url")
    if port is not None and port < 1024 and port not in PORTS_LOW:
        raise InvalidInput("Choose another port.", field="url")
    return parts


def target_of(url: str) -> Target:
    """Resolve the URL and return where it may be called.

    Raises InvalidInput, Unreachable when the name has no address, and Refused `outbound_inside`
    when any of its addresses is not on the public internet, or the scheme is not https.
    """
    parts = url_check(url)
    addresses = _resolve(str(parts.hostname), parts.port or 443)
    is_inside_allowed = bool(addresses) and all(
        is_within(text, settings.OUTBOUND_INSIDE) for text in addresses
    )
    if not is_inside_allowed and (
        parts.scheme != "https" or not all(is_public(text) for text in addresses)
    ):
        record("outbound.refused", code="inside")
        raise Refused("This address cannot be called from here.", code="outbound_inside")
    return Target(url=parts, addresses=addresses)


def is_public(text: str) -> bool:
    """Tell whether the address belongs to somebody on the public internet."""
    address = address_of(text)
    if address is None or not isinstance(address, IPv4Address | IPv6Address):
        return False
    return (
        address.is_global
        and not address.is_multicast
        and not address.is_reserved
        and not any(address in network for network in INSIDE)
    )


def post(target: Target, body: bytes, headers: Mapping[str, str]) -> int:
    """Send the body to the target and return the answer's status; no redirect is followed.

    Raises Unreachable when no connection came about (two tries), Broken afterwards.  All of it
    together takes TOTAL_SECONDS at most.
    """
    connection = _connected(target, time.monotonic() + TOTAL_SECONDS)
    try:
        connection.request("POST", target.path, body, dict(headers))
        with closing(connection.getresponse()) as answer:
            answer.read(ANSWER_BYTES)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Broken(type(error).__name__) from error
    finally:
        connection.end()
    if connection.is_cut:
        raise Broken("too slow")
    return answer.status


@dataclass(frozen=True, kw_only=True)
class Downloaded:
    """What a publisher answered; `etag` and `modified` are to be sent with the next question."""

    status: int
    etag: str = ""
    modified: str = ""


def download(
    url: str, into: BinaryIO, *, etag: str = "", modified: str = "", seconds: float, most: int
) -> Downloaded:
    """Write what the URL holds to the file, unless it is still what `etag` or `modified` name.

    Publishers redirect to their storage: up to MAX_REDIRECTS addresses are followed, each checked
    as the first one.  All of it takes `seconds` at most and has `most` bytes at most.  Raises as
    `target_of`, and Broken for an answer that is neither the file nor "not modified".
    """
    headers = {"Accept-Encoding": "identity", "User-Agent": "Stratford"}
    headers |= {"If-None-Match": etag} if etag else {}
    headers |= {"If-Modified-Since": modified} if modified else {}
    deadline = time.monotonic() + seconds
    for _ in range(MAX_REDIRECTS + 1):
        answer, url = _get(target_of(url), into, headers, deadline, most)
        if answer is not None:
            return answer
    raise Broken("too many redirects")


def _get(
    target: Target, into: BinaryIO, headers: Mapping[str, str], deadline: float, most: int
) -> tuple[Downloaded | None, str]:
    """Return the answer, or where to ask instead."""
    connection = _connected(target, deadline)
    try:
        connection.request("GET", target.path, headers=dict(headers))
        with closing(connection.getresponse()) as answer:
            if answer.status in REDIRECTS:
                return None, urljoin(target.url.geturl(), answer.getheader("Location") or "")
            if answer.status not in {http.HTTPStatus.OK, http.HTTPStatus.NOT_MODIFIED}:
                raise Broken(f"status {answer.status}")
            if answer.status == http.HTTPStatus.OK:
                _copy(answer, into, most)
            found = Downloaded(
                status=answer.status,
                etag=(answer.getheader("ETag") or "")[:MAX_HEADER],
                modified=(answer.getheader("Last-Modified") or "")[:MAX_HEADER],
            )
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Broken("too slow" if connection.is_cut else type(error).__name__) from error
    finally:
        connection.end()
    if connection.is_cut:
        raise Broken("too slow")
    return found, ""


def _copy(answer: http.client.HTTPResponse, into: BinaryIO, most: int) -> None:
    said, read = answer.length, 0
    while part := answer.read(CHUNK_BYTES):
        read += len(part)
        if read > most:
            raise Broken("too large")
        into.write(part)
    if said is not None and read != said:
        raise Broken("cut short")


class _Pinned(http.client.HTTPConnection):
    """Connects to a given address, whatever the host's name means by then.

    At the deadline the line is cut from beside, however slowly the other side drips: during the
    handshake, in the headers, or in a body that http.client reads after it let go of the socket.
    """

    def __init__(self, target: Target, address: str, deadline: float) -> None:
        super().__init__(str(target.url.hostname), target.port)
        self.target, self.address, self.deadline = target, address, deadline
        self.is_cut = False
        self._line: socket.socket | None = None
        self._alarm: threading.Timer | None = None

    def connect(self) -> None:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        place = (self.address, self.target.port)
        plain = socket.create_connection(place, min(CONNECT_SECONDS, left))
        self.sock = plain
        # Another handle of the same line: it stays, whoever closes or wraps the first one.
        self._line = plain.dup()
        self._alarm = threading.Timer(max(self.deadline - time.monotonic(), 0), self._cut)
        self._alarm.daemon = True
        self._alarm.start()
        if self.target.url.scheme == "https":
            context = ssl.create_default_context(cafile=settings.OUTBOUND_CA_FILE or None)
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            self.sock = context.wrap_socket(plain, server_hostname=self.host)
        self.sock.settimeout(TOTAL_SECONDS)

    def end(self) -> None:
        """Give everything back; `close` alone is also called when the answer takes the socket."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm.join()
            self._alarm = None
        if self._line is not None:
            self._line.close()
            self._line = None
        self.close()

    def _cut(self) -> None:
        self.is_cut = True
        if self._line is not None:
            with suppress(OSError):  # it has ended by itself
                self._line.shutdown(socket.SHUT_RDWR)


@retrying(Unreachable, attempts=2, timeout_seconds=TOTAL_SECONDS)
def _connected(target: Target, deadline: float) -> _Pinned:
    reason = "no address"
    for address in target.addresses:
        connection = _Pinned(target, address, deadline)
        try:
            connection.connect()
        except (OSError, ValueError) as error:
            connection.end()
            reason = type(error).__name__
        else:
            return connection
    raise Unreachable(reason)


def _resolve(host: str, port: int) -> tuple[str, ...]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Unreachable("no address") from error
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))
