"""API sessions: short signed access tokens and refresh tokens that work once."""

import hashlib
import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from uuid import UUID

import jwt
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.utils import timezone

from apps.audit.services import emit
from apps.core.commands import command
from apps.core.errors import NotFound
from apps.infrastructure.realtime import sockets_recheck
from apps.infrastructure.security_log import record
from apps.users.domain.sessions import USER_AGENT_LENGTH
from apps.users.events import ApiSessionRevoked, RefreshTokenReused
from apps.users.models import ApiSession, RefreshToken, User
from apps.users.selectors import api_session_get

ALGORITHM = "HS256"
ISSUER = "stratford"
AUDIENCE = "stratford-api"
ACCESS_LIFE = timedelta(minutes=10)
TOUCH_LIFE = timedelta(seconds=30)
CLAIMS = ("iss", "aud", "sub", "sid", "typ", "jti", "iat", "exp", "amr")


@dataclass(frozen=True, kw_only=True)
class TokenPair:
    """What a sign-in or a refresh hands out; `expires_in` is the access token's life in seconds."""

    access: str
    refresh: str
    expires_in: int


@lru_cache(maxsize=4)
def _signing_key(secret: str) -> bytes:
    """Derive the key for access tokens, so that no other use of the secret yields a valid one."""
    derivation = HKDF(
        algorithm=hashes.SHA256(), length=32, salt=None, info=b"stratford access token"
    )
    return derivation.derive(secret.encode())


def access_token_issue(session: ApiSession) -> str:
    """Return a JWT (RFC 7519) for the session, valid for ACCESS_LIFE at most."""
    now = timezone.now()
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": str(session.user_id),
        "sid": str(session.pk),
        "typ": "access",
        "jti": str(uuid.uuid4()),
        "iat": now,
        "exp": min(now + ACCESS_LIFE, session.expires_at),
        "amr": session.methods,
    }
    return jwt.encode(claims, _signing_key(settings.JWT_SIGNING_KEY), algorithm=ALGORITHM)


def access_token_verify(token: str) -> ApiSession | None:
    """Return the live session behind the token; None for anything else than a good token."""
    try:
        claims = jwt.decode(
            token,
            _signing_key(settings.JWT_SIGNING_KEY),
            algorithms=[ALGORITHM],
            issuer=ISSUER,
            audience=AUDIENCE,
            options={"require": list(CLAIMS)},
        )
        session_id = UUID(str(claims["sid"]))
    except (jwt.InvalidTokenError, ValueError):
        return None
    if claims["typ"] != "access":
        return None
    session = api_session_get(session_id)
    if session is None or str(session.user_id) != claims["sub"]:
        return None
    _touch(session)
    return session


@command
def api_session_open(
    *, user: User, methods: Sequence[str], user_agent: str = "", address: str = ""
) -> TokenPair:
    """Open a session for a user whose proofs (`pwd`, `otp`) the caller has checked.

    It ends when it is idle for too long (SESSION_IDLE_SECONDS), and at SESSION_COOKIE_AGE: an API
    session lives no longer than one of the portal.
    """
    now = timezone.now()
    session = ApiSession.objects.create(
        user=user,
        methods=list(methods),
        fingerprint=user.get_session_auth_hash(),
        user_agent=user_agent[:USER_AGENT_LENGTH],
        address=address,
        expires_at=now + timedelta(seconds=settings.SESSION_COOKIE_AGE),
        second_factor_at=now if "otp" in methods else None,
    )
    return _pair(session)


@command
def api_session_refresh(*, refresh: str) -> TokenPair | None:
    """Exchange a refresh token for a new pair; None when it is not good any more.

    The token's row is locked first, so of parallel uses one succeeds.  Every later use means that
    two parties hold the token: the session ends for both.  The answer is a value and not an error,
    because that end must be committed.
    """
    token = _locked(refresh)
    if token is None:
        return None
    session = token.session
    if token.used_at is not None:
        _end_after_reuse(session)
        return None
    if api_session_get(session.pk) is None:
        return None
    token.used_at = timezone.now()
    token.save(update_fields=["used_at", "updated_at"])
    _touch(session)
    return _pair(session)


@command
def api_session_revoke(*, refresh: str) -> None:
    """End the session of a refresh token; an unknown token changes nothing (RFC 7009)."""
    token = _locked(refresh)
    if token is not None and token.session.revoked_at is None:
        _end(token.session, actor=token.session.user)


@command
def api_session_end(*, actor: User, session_id: UUID) -> None:
    """End one of the actor's own sessions; raise NotFound for any other."""
    mine = ApiSession.objects.live().filter(user=actor).select_for_update(of=("self",))
    session = mine.find(session_id)
    if session is None:
        raise NotFound("There is no such session.")
    _end(session, actor=actor)


@command
def api_sessions_end_all(*, user: User, actor: User | None, keep: UUID | None = None) -> int:
    """End every API session of the user but `keep`; return how many.

    Idle sessions and those of a disabled user end too: they must not come back with the user.
    """
    ending = ApiSession.objects.filter(user=user, revoked_at=None)
    if keep is not None:
        ending = ending.exclude(pk=keep)
    sessions = list(ending.select_for_update(of=("self",)))
    for session in sessions:
        _end(session, actor=actor)
    return len(sessions)


def _digest(refresh: str) -> bytes:
    return hashlib.sha256(refresh.encode()).digest()


def _locked(refresh: str) -> RefreshToken | None:
    return (
        RefreshToken.objects.select_for_update(of=("self", "session"))
        .select_related("session__user")
        .filter(token_hash=_digest(refresh))
        .first()
    )


def _pair(session: ApiSession) -> TokenPair:
    refresh = secrets.token_urlsafe(32)
    RefreshToken.objects.create(session=session, token_hash=_digest(refresh))
    return TokenPair(
        access=access_token_issue(session),
        refresh=refresh,
        expires_in=int(ACCESS_LIFE.total_seconds()),
    )


def _touch(session: ApiSession) -> None:
    """Note that the session is in use, at most every TOUCH_LIFE."""
    now = timezone.now()
    if now - session.last_used_at >= TOUCH_LIFE:
        ApiSession.objects.filter(pk=session.pk).update(last_used_at=now)


def _end(session: ApiSession, *, actor: User | None) -> None:
    sockets_recheck(user_id=session.user_id)
    session.revoked_at = timezone.now()
    session.save(update_fields=["revoked_at", "updated_at"])
    emit(
        ApiSessionRevoked(
            stream=session.user.stream, user_id=str(session.user_id), session_id=str(session.pk)
        ),
        actor=actor,
    )


def _end_after_reuse(session: ApiSession) -> None:
    if session.revoked_at is not None:
        return
    emit(
        RefreshTokenReused(
            stream=session.user.stream, user_id=str(session.user_id), session_id=str(session.pk)
        ),
        actor=None,
    )
    record("token.reused", user_id=session.user_id)
    _end(session, actor=None)
