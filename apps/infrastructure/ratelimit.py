"""How often one caller may ask: django-ratelimit, wrapped so that it never answers 500."""

import hashlib
from dataclasses import dataclass

import pybreaker
import redis
import structlog
from django.conf import settings
from django.http import HttpRequest
from django_ratelimit.core import get_usage

from apps.infrastructure.resilience import breaker

logger = structlog.get_logger(__name__)
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
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    credential = request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")
    if scheme.lower() == "bearer":
        credential = token.strip().rpartition(".")[0] or token.strip()
    if not credential:
        return str(request.META.get("REMOTE_ADDR", ""))
    return hashlib.sha256(credential.encode(errors="replace")).hexdigest()


def policies_of(request: HttpRequest) -> list[str]:
    """Return the names of the limits that the request counts against."""
    path = request.path
    if request.method in WRITING and path.startswith(settings.RATE_LIMIT_SIGN_IN_PATHS):
        return ["address", "sign-in"]
    if not path.startswith("/api/"):
        return ["address"]
    orders = request.method in WRITING and path.startswith("/api/v1/orders")
    return ["address", "api", *(["orders"] if orders else [])]


def count_request(request: HttpRequest) -> list[Allowance]:
    """Count the request against its limits and return them.

    While the counters cannot be reached, nothing is limited but sign-in, which is refused: guessing
    passwords without a limit would be worse than waiting.
    """
    allowances = []
    for policy in policies_of(request):
        try:
            usage = breaker("rate-limit").call(
                get_usage,
                request,
                group=policy,
                key=_caller if policy in {"api", "orders"} else "ip",
                rate=settings.RATE_LIMITS[policy],
                increment=True,
            )
        except (redis.RedisError, OSError, pybreaker.CircuitBreakerError) as error:
            logger.warning("rate_limit_unknown", policy=policy, error=type(error).__name__)
            if policy == "sign-in":
                allowances.append(Allowance(policy, limit=0, count=1, reset_seconds=10))
            continue
        if usage is not None:
            allowances.append(
                Allowance(policy, usage["limit"], usage["count"], max(int(usage["time_left"]), 0))
            )
    return allowances
