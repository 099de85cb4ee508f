"""The log of refused things: one JSON line and one count for each, without personal data."""

import re
from typing import Any
from uuid import UUID

import structlog
from django.http import HttpRequest
from django.utils.crypto import salted_hmac
from django.utils.functional import SimpleLazyObject
from prometheus_client import Counter
from rest_framework.request import Request

logger = structlog.get_logger("stratford.security")
security_events_total = Counter(
    "security_events_total", "What was refused, and other security events.", ["event"]
)

# The codes are stable: alerts are written against them.  What one means stands beside it.
CODES = {
    "admin.denied": "A page or an action of the desk was asked for without the permission.",
    "api_key.refused": "An API key is unknown, expired, revoked or used from a foreign address.",
    "authentication.failed": "A request without good proof of who sends it (401).",
    "authorisation.denied": "A signed-in user asked for what the role does not allow (403).",
    "csp.violation": "A browser reports that the content security policy stopped something.",
    "csrf.refused": "A writing request of a session without its CSRF token, or from elsewhere.",
    "error.unexpected": "A request failed in a way nobody foresaw; the caller got a plain 500.",
    "fetch.refused": "Another site's page asked for a resource of ours in the user's browser.",
    "host.refused": "A request for a host name that is not ours, or otherwise malformed.",
    "input.refused": "Input that no client of ours sends: duplicate keys, NUL, unknown fields.",
    "object.hidden": "A signed-in user asked for an object that is not theirs, or not there (404).",
    "origin.refused": "A page of a foreign origin, or a client without one, tried the live feed.",
    "outbound.refused": "An address given by a user points inside, and was not called.",
    "plain_http.refused": "A call of the API without TLS.",
    "second_factor.refused": "A wrong or used code of the second factor.",
    "sign_in.failed": "A wrong password, an unknown account, or a deactivated one.",
    "social.refused": "An answer of an identity provider that proves nothing, or opens nothing.",
    "step_up.refused": "A sensitive action without a fresh second factor.",
    "throttled": "More requests or attempts than a limit allows.",
    "token.invalid": "An access token that is forged, expired or of another kind.",
    "token.reused": "A refresh token was used twice; its session has ended.",
    "upload.refused": "A file that is not what it should be, or is infected.",
    "ws_token.refused": "A ticket of the live feed that is unknown, used or expired.",
}
MAX_TEXT = 200
# Where a request keeps that something has been recorded of it.
RECORDED = "stratford.security_event"
CODE = re.compile(r"[a-z_]+(\.[a-z_]+)?")


def _plain(value: Any) -> Any:
    """Return numbers as they are, everything else as short text that no terminal interprets."""
    if value is None or isinstance(value, bool | int):
        return value
    text = str(value)[:MAX_TEXT]
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def known_user_id(request: HttpRequest) -> Any:
    """Return the id of the user if somebody has already looked; never ask the database."""
    user = request.__dict__.get("user")
    if type(user) is SimpleLazyObject:
        user = request.__dict__.get("_cached_user")
    return getattr(user, "pk", None)


def _asked(request: HttpRequest) -> dict[str, Any]:
    """Return what was asked: the route and not the path, a pseudonym and not the address.

    Equal sources are equal addresses; the proxy's own log names them by the same request id.
    """
    match = request.resolver_match
    address = str(request.META.get("REMOTE_ADDR", ""))
    return {
        "method": request.method,
        "route": match.route if match else "unmatched",
        "source": salted_hmac("stratford.security.source", address).hexdigest()[:16],
    }


def record(
    event: str,
    *,
    request: HttpRequest | Request | None = None,
    user_id: UUID | str | None = None,
    **facts: Any,
) -> None:
    """Write one security event down and count it; `event` is a key of CODES.

    Facts are codes, counts and ids: nothing a person typed, no address, name or token.  The
    correlation id comes from the context of the request or task.
    """
    if not CODE.fullmatch(event):
        raise ValueError(f"{event!r} is not a code of a security event.")
    asked: dict[str, Any] = {}
    if request is not None:
        plain = request._request if isinstance(request, Request) else request
        asked = _asked(plain)
        plain.META[RECORDED] = event
        user_id = user_id or known_user_id(plain)
    known = {**asked, "user_id": str(user_id) if user_id else None, **facts}
    security_events_total.labels(event).inc()
    logger.warning(event, **{name: _plain(value) for name, value in known.items()})


def record_once(event: str, *, request: HttpRequest | Request, **facts: Any) -> None:
    """Record what a central place sees, unless somebody nearer has said it more exactly."""
    if RECORDED not in request.META:
        record(event, request=request, **facts)
