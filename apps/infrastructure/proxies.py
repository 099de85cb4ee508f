"""Whose word counts about where a request comes from: the configured proxies', nobody else's."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.decorators import sync_and_async_middleware

from apps.core.domain.networks import address_of, is_within
from apps.infrastructure.access import FORWARDED
from apps.infrastructure.middleware import GetResponse, wrap

# What proxies and gateways say about a client; after this part nobody can read it any more.
CLAIMS = frozenset(
    f"HTTP_{name}"
    for name in (
        *("FORWARDED", "VIA", "X_FORWARDED_FOR", "X_FORWARDED_HOST", "X_FORWARDED_PORT"),
        *("X_FORWARDED_PREFIX", "X_FORWARDED_SERVER", "X_FORWARDED_SSL", "X_FORWARDED_USER"),
        *("X_REAL_IP", "X_CLIENT_IP", "X_CLUSTER_CLIENT_IP", "TRUE_CLIENT_IP", "X_USER_ID"),
        *("X_REMOTE_USER", "REMOTE_USER", "X_ORIGINAL_URL", "X_REWRITE_URL"),
    )
)
PROTOCOL = "HTTP_X_FORWARDED_PROTO"
HOPS_MOST = 20


def client_address(peer: str, forwarded_for: str) -> str:
    """Return who asks: the last address of X-Forwarded-For that none of our proxies has.

    Whatever stands before that one was written by the client.  Without a trusted peer, or where
    the header is no list of addresses, the answer is the last address that could be trusted.
    """
    known = peer
    for hop in reversed(forwarded_for.split(",")[-HOPS_MOST:]):
        if not is_within(known, settings.TRUSTED_PROXIES):
            return known
        address = address_of(hop.strip())
        if address is None:
            return known
        known = str(address)
    return known


@sync_and_async_middleware
def trusted_proxies(get_response: GetResponse) -> Any:
    """Put the client's address into REMOTE_ADDR, and take away what only proxies may say."""

    def before(request: HttpRequest) -> None:
        meta = request.META
        peer = str(meta.get("REMOTE_ADDR") or "")
        meta[FORWARDED] = any(name in meta for name in CLAIMS)
        if not is_within(peer, settings.TRUSTED_PROXIES):
            meta.pop(PROTOCOL, None)
        if forwarded_for := meta.get("HTTP_X_FORWARDED_FOR", ""):
            meta["REMOTE_ADDR"] = client_address(peer, forwarded_for)
        for name in CLAIMS:
            meta.pop(name, None)
        # Headers that somebody read before are remembered as they came.
        request.__dict__.pop("headers", None)

    return wrap(get_response, before, lambda _, response, __: response)
