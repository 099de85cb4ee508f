"""HTTP to Alpaca: every call is bounded in time and size, and says for sure whether it arrived.

Nothing that writes is sent twice here; what only reads is asked again, with pauses and jitter.
"""

import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import pybreaker
import requests
import structlog
from django.conf import settings
from requests.auth import AuthBase

from apps.infrastructure.resilience import breaker, retrying
from apps.trading.venues.alpaca.wire import decoded
from apps.trading.venues.base import (
    Garbage,
    VenueBusy,
    VenueRefused,
    VenueUncertain,
    VenueUnreachable,
)

logger = structlog.get_logger(__name__)
ANSWER_BYTES = 4 * 1024 * 1024
PAUSE_SECONDS = (1.0, 300.0)
NOT_THERE = "venue_404"
# What asking again may cure: the account's keys or its standing; 403 with a code is a refusal.
NOT_OURS_TO_REFUSE = frozenset({401, 403})


class Keys(AuthBase):
    """Puts the keys on a request and nowhere else: no header of a session, no line of a log."""

    def __init__(self, key_id: str, secret_key: str) -> None:
        self.key_id, self.secret_key = key_id, secret_key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["APCA-API-KEY-ID"] = self.key_id
        request.headers["APCA-API-SECRET-KEY"] = self.secret_key
        return request


class Client:
    """One account's REST interface.  `account` is settings.ALPACA."""

    def __init__(self, account: Mapping[str, Any]) -> None:
        self.url: str = account["url"]
        self.connect_seconds: float = account["connect"]
        self.answer_seconds: float = account["answer"]
        self.session = requests.Session()
        self.session.auth = Keys(account["key_id"], account["secret_key"])
        self.session.verify = settings.OUTBOUND_CA_FILE or True
        self.breaker = breaker(f"alpaca:{urlsplit(self.url).netloc}")

    def write(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Send once.  Raises VenueRefused, VenueBusy, VenueUnreachable and VenueUncertain."""
        return self._guarded(method, path, body, {})

    def read(self, path: str, **query: str) -> Any:
        """Ask, up to three times.  Raises VenueRefused only for what is not there (`venue_404`)."""
        ask = retrying(VenueUncertain, attempts=3, timeout_seconds=2 * self.answer_seconds)
        try:
            return ask(self._guarded)("GET", path, None, query)
        except VenueRefused as error:
            if error.code == NOT_THERE:
                raise
            raise VenueUnreachable(error.code) from error

    def _guarded(
        self, method: str, path: str, body: Mapping[str, Any] | None, query: Mapping[str, str]
    ) -> Any:
        try:
            answer = self.breaker.call(self._send, method, path, body, query)
        except pybreaker.CircuitBreakerError as error:
            raise VenueUnreachable("breaker") from error
        return _judged(*answer)

    def _send(
        self, method: str, path: str, body: Mapping[str, Any] | None, query: Mapping[str, str]
    ) -> tuple[int, str, bytes]:
        """Return status, Retry-After and body of an answer that the venue itself gave."""
        until = time.monotonic() + self.answer_seconds
        try:
            with self.session.request(
                method,
                self.url + path,
                json=body,
                params=dict(query),
                timeout=(self.connect_seconds, self.answer_seconds),
                allow_redirects=False,
                stream=True,
            ) as answer:
                content = _content(answer, until)
        except requests.ConnectTimeout as error:
            raise VenueUnreachable(type(error).__name__) from error
        except (requests.RequestException, ValueError) as error:
            # Refused connections look like lost ones here; both are looked into before a resend.
            raise VenueUncertain(type(error).__name__) from error
        if answer.status_code >= 500:
            raise VenueUncertain(f"status {answer.status_code}")
        return answer.status_code, answer.headers.get("Retry-After", ""), content


def _content(answer: requests.Response, until: float) -> bytes:
    content = bytearray()
    for chunk in answer.iter_content(64 * 1024):
        content += chunk
        if len(content) > ANSWER_BYTES or time.monotonic() > until:
            raise requests.Timeout("The answer is too long.")
    return bytes(content)


def _judged(status: int, retry_after: str, content: bytes) -> Any:
    """Return the JSON of a good answer (None where there is none), or raise what it means."""
    if status == 429:
        raise VenueBusy(_pause(retry_after))
    try:
        found = decoded(content) if content else None
    except Garbage as error:
        # Also a proxy's page: the venue itself has not spoken.
        raise VenueUncertain(f"status {status}") from error
    if 200 <= status < 300:
        return found
    code = str(found.get("code", ""))[:20] if isinstance(found, dict) else ""
    if not code or status == 408:
        raise VenueUncertain(f"status {status}")
    if status in NOT_OURS_TO_REFUSE and not code.startswith("403"):
        raise VenueUnreachable(f"status {status}")
    logger.warning("venue_refused", status=status, venue_code=code)
    raise VenueRefused("The venue refuses.", code=f"venue_{status}", venue_code=code)


def _pause(retry_after: str) -> float:
    """Return how long to wait; without a number of seconds, the shortest pause."""
    least, most = PAUSE_SECONDS
    seconds = float(retry_after) if retry_after.isascii() and retry_after.isdecimal() else least
    return min(max(seconds, least), most)
