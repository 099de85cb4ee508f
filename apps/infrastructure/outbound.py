"""Calls to addresses that a user named: only outwards, only to the address that was checked.

The name is resolved once, every address it has must be public, and the connection goes to one of
exactly these: a name that answers differently the second time (DNS rebinding) changes nothing.
Redirects are not followed, and neither size nor time of an answer is the other side's choice.
"""

import http.client
import socket
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_network
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

from apps.core.domain.networks import address_of, is_within
from apps.core.errors import InvalidInput, Refused
from apps.infrastructure.resilience import retrying
from apps.infrastructure.security_log import record

URL_LENGTH = 500
CONNECT_SECONDS = 3.0
TOTAL_SECONDS = 10.0
ANSWER_BYTES = 16 * 1024
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

    Raises Unreachable when no connection came about (two tries), Broken afterwards.
    """
    connection = _connected(target)
    deadline = threading.Timer(TOTAL_SECONDS, _cut, [connection])
    deadline.daemon = True
    deadline.start()
    try:
        connection.request("POST", target.path, body, dict(headers))
        answer = connection.getresponse()
        answer.read(ANSWER_BYTES)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Broken(type(error).__name__) from error
    finally:
        deadline.cancel()
        connection.close()
    if connection.is_cut:
        raise Broken("too slow")
    return answer.status


class _Pinned(http.client.HTTPConnection):
    """Connects to a given address, whatever the host's name means by then."""

    is_cut = False

    def __init__(self, target: Target, address: str) -> None:
        super().__init__(str(target.url.hostname), target.port, timeout=CONNECT_SECONDS)
        self.target, self.address = target, address

    def connect(self) -> None:
        plain = socket.create_connection((self.address, self.target.port), self.timeout)
        self.sock = plain
        if self.target.url.scheme == "https":
            context = ssl.create_default_context(cafile=settings.OUTBOUND_CA_FILE or None)
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            self.sock = context.wrap_socket(plain, server_hostname=self.host)
        self.sock.settimeout(TOTAL_SECONDS)


@retrying(Unreachable, attempts=2, timeout_seconds=CONNECT_SECONDS * 4)
def _connected(target: Target) -> _Pinned:
    reason = "no address"
    for address in target.addresses:
        connection = _Pinned(target, address)
        try:
            connection.connect()
        except (OSError, ValueError) as error:
            connection.close()
            reason = type(error).__name__
        else:
            return connection
    raise Unreachable(reason)


def _cut(connection: _Pinned) -> None:
    """End a call that takes too long, however slowly the other side drips."""
    connection.is_cut = True
    if connection.sock is not None:
        try:
            connection.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # it has ended by itself


def _resolve(host: str, port: int) -> tuple[str, ...]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Unreachable("no address") from error
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))
