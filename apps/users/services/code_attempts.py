"""How often codes of one user may be guessed, whoever guesses and from wherever.

Six digits are few, and whoever knows the password may come from thousands of addresses: so wrong
codes are counted by user.  Strangers, who come from where the user never signed in, share one
small count; each network and each session that the user knows has its own, and what strangers do
does not stop it.  Nobody can keep the owner out, and no count outlives its window.
"""

from django.conf import settings
from django.core.cache import cache
from django_otp.models import Device

from apps.core.domain.networks import caller_of
from apps.users.models import User
from apps.users.services.attempts import Limit, TooManyAttempts, address_is_known, counting
from apps.users.services.second_factor import code_verify

STRANGERS = ("hour", "day")
SESSIONS = ("session",)


def code_from_address(*, user: User, code: str, address: str) -> Device | None:
    """Verify a code at sign-in.  Raises TooManyAttempts, Unavailable; None for a wrong code."""
    with counting():
        is_known = address_is_known(user.email, address)
    return _verify(user, code, f"network {caller_of(address)}", () if is_known else STRANGERS)


def code_from_session(*, user: User, code: str, session_name: str) -> Device | None:
    """Verify a code of somebody who is signed in.  Raises TooManyAttempts, Unavailable."""
    return _verify(user, code, f"session {session_name}", SESSIONS)


def _verify(user: User, code: str, place: str, shared: tuple[str, ...]) -> Device | None:
    """Count before the code is looked at, so that parallel guesses cannot slip past."""
    subjects = {"place": f"{user.pk} {place}", **dict.fromkeys(shared, str(user.pk))}
    limits = {name: Limit(f"code-{name}", *settings.CODE_LIMITS[name]) for name in subjects}
    counts = [(limits[name], limits[name].key(subject)) for name, subject in subjects.items()]
    with counting():
        for limit, key in counts:
            cache.add(key, 0, timeout=limit.window_seconds * 2)
            if cache.incr(key) > limit.attempts:
                raise TooManyAttempts(limit.seconds_left)
    device = code_verify(user=user, code=code)
    if device is not None:
        with counting():
            for _, key in counts:
                cache.decr(key)
    return device
