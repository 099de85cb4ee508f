"""How often one caller may ask: django-ratelimit, wrapped so that it never answers 500."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import pybreaker
import redis
import structlog
from django.conf import settings
from django.http import HttpRequest
from django_ratelimit.core import get_usage
from rest_framework.request import Request

from apps.infrastructure.bearer import bearer_of
from apps.infrastructure.resilience import breaker
from stratford.browser import CSP_REPORT_PATH

logger = structlog.get_logger(__name__)
UNREACHABLE = (redis.RedisError, OSError, pybreaker.CircuitBreakerError)
# Where a request keeps what was counted, until its answer is labelled.
COUNTED = "stratford.allowances"
WRITING = frozenset({"POST", "PUT", "PATCH", "DELETE"})


@dataclass(frozen=True)
class Allowance:
    """What is left of one limit in the current window."""

    policy: str
    limit: int
    count: int
    reset_seconds: int

    @property
    def is_used_up(self) -> bool:
        return self.count > self.limit

    @property
    def remaining(self) -> int:
        return max(self.limit - self.count, 0)


def _caller(_group: str, request: HttpRequest) -> str:
    """Name the caller by credential, without keeping it; without one, by address.

    One credential has one name: a header that no authentication reads does not count, nor do the
    spelling of the scheme and a token's signature, which has many in base64.
    """
    token = bearer_of(request)
    if token is None:
        credential = request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")
    else:
        credential = token.rpartition(".")[0] or token
    if not credential:
        return str(request.META.get("REMOTE_ADDR", ""))
    return hashlib.sha256(credential.encode(errors="replace")).hexdigest()


def policies_of(request: HttpRequest) -> list[str]:
    """Return the names of the limits that the request counts against."""
    path = request.path
    if request.method in WRITING and path.startswith(settings.RATE_LIMIT_SIGN_IN_PATHS):
        return ["address", "sign-in"]
    if path == CSP_REPORT_PATH:
        return ["address", "reports"]
    if not path.startswith("/api/"):
        return ["address"]
    orders = request.method in WRITING and path.startswith("/api/v1/orders")
    return ["address", "api", *(["orders"] if orders else [])]


def count_request(request: HttpRequest) -> list[Allowance]:
    """Count the request against its limits and return them.

    While the counters cannot be reached, nothing is limited but sign-in, which is refused: guessing
    passwords without a limit would be worse than waiting.
    """
    allowances: list[Allowance] = []
    for policy in policies_of(request):
        key = _caller if policy in {"api", "orders"} else "ip"
        try:
            allowance = _count(request, policy, key, settings.RATE_LIMITS[policy])
        except UNREACHABLE as error:
            logger.warning("rate_limit_unknown", policy=policy, error=type(error).__name__)
            allowance = Allowance(policy, 0, 1, 10) if policy == "sign-in" else None
        if allowance is not None:
            allowances.append(allowance)
    request.META[COUNTED] = allowances
    return allowances


def count_more(
    request: HttpRequest | Request, policy: str, subject: str, rate: str
) -> Allowance | None:
    """Count a request against a limit that only its authentication knows; None without counters.

    What is left of it stands in the answer's headers beside the limits of every request.
    """
    plain = request._request if isinstance(request, Request) else request
    try:
        allowance = _count(plain, policy, lambda *_: subject, rate)
    except UNREACHABLE as error:
        logger.warning("rate_limit_unknown", policy=policy, error=type(error).__name__)
        return None
    if allowance is not None:
        plain.META.setdefault(COUNTED, []).append(allowance)
    return allowance


def _count(
    request: HttpRequest, policy: str, key: str | Callable[..., str], rate: str
) -> Allowance | None:
    usage = breaker("rate-limit").call(
        get_usage, request, group=policy, key=key, rate=rate, increment=True
    )
    if usage is None:
        return None
    seconds = max(int(usage["time_left"]), 0)
    return Allowance(policy, usage["limit"], usage["count"], seconds)
