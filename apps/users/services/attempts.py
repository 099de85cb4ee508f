"""How often somebody may try to sign in: per address, per account, and both together.

Attempts are counted before the password is checked and given back when it was right, so that
parallel guesses cannot slip past.  No limit lasts longer than its window, and an address from which
the account has signed in before is not stopped by what strangers try elsewhere: nobody can lock
an account out.
"""

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.core.cache import cache
from redis.exceptions import RedisError

from apps.core.domain.networks import caller_of
from apps.core.errors import DomainError, Unavailable

KNOWN_SECONDS = settings.KNOWN_DAYS * 24 * 3600


class TooManyAttempts(DomainError):
    """`retry_after` is in seconds."""

    code = "too_many_attempts"

    def __init__(self, retry_after: int) -> None:
        super().__init__("Too many attempts. Try again later.")
        self.retry_after = retry_after


@dataclass(frozen=True)
class Limit:
    """At most `attempts` in each fixed window of `window_seconds`."""

    name: str
    attempts: int
    window_seconds: int

    def key(self, subject: str) -> str:
        window = int(time.time() // self.window_seconds)
        digest = hashlib.sha256(subject.encode(errors="replace")).hexdigest()
        return f"attempts:{self.name}:{digest}:{window}"

    @property
    def seconds_left(self) -> int:
        return self.window_seconds - int(time.time() % self.window_seconds)


PER_ADDRESS, PER_PAIR, PER_ACCOUNT = (
    Limit(name, *settings.SIGN_IN_LIMITS[name]) for name in ("address", "pair", "account")
)


@contextmanager
def counting() -> Iterator[None]:
    """Turn a counter that cannot be reached into Unavailable: nobody guesses uncounted."""
    try:
        yield
    except RedisError as error:
        raise Unavailable("Nobody can sign in now.", code="sign_in_unavailable") from error


def _known_key(email: str, address: str) -> str:
    network = caller_of(address)
    digest = hashlib.sha256(f"{email.lower()} {network}".encode(errors="replace")).hexdigest()
    return f"attempts:known:{digest}"


def _keys(email: str, address: str) -> list[tuple[Limit, str]]:
    account, network = email.lower(), caller_of(address)
    return [
        (PER_ADDRESS, PER_ADDRESS.key(network)),
        (PER_PAIR, PER_PAIR.key(f"{account} {network}")),
        (PER_ACCOUNT, PER_ACCOUNT.key(account)),
    ]


def attempt_count(email: str, address: str) -> None:
    """Count one attempt; raise TooManyAttempts beyond a limit, Unavailable without the counter."""
    with counting():
        known = address_is_known(email, address)
        for limit, key in _keys(email, address):
            cache.add(key, 0, timeout=limit.window_seconds * 2)
            if cache.incr(key) > limit.attempts and not (known and limit is PER_ACCOUNT):
                raise TooManyAttempts(limit.seconds_left)


def attempt_give_back(email: str, address: str) -> None:
    """Forget the attempt that was right."""
    with counting():
        for limit, key in _keys(email, address):
            cache.add(key, 1, timeout=limit.window_seconds * 2)
            cache.decr(key)


def address_is_known(email: str, address: str) -> bool:
    """Tell whether the account has signed in from here before."""
    return cache.get(_known_key(email, address)) is not None


def address_remember(email: str, address: str) -> None:
    """Note that the account has signed in from here."""
    with counting():
        cache.set(_known_key(email, address), 1, timeout=KNOWN_SECONDS)


def device_remember(user_id: UUID, address: str, device: str) -> bool:
    """Note a device and its network for the account; tell whether both were known together."""
    subject = f"{user_id} {caller_of(address)} {device}"
    digest = hashlib.sha256(subject.encode(errors="replace")).hexdigest()
    key = f"sign-in:device:{digest}"
    with counting():
        is_known = not cache.add(key, 1, timeout=KNOWN_SECONDS)
        cache.touch(key, KNOWN_SECONDS)
    return is_known
