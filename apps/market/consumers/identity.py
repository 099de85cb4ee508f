"""Who is behind a connection, and whether that still holds."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import UUID

from channels.db import database_sync_to_async
from django.conf import settings
from django.http.request import split_domain_port, validate_host

from apps.core.errors import NotFound
from apps.users.selectors import portal_user_get, user_get
from apps.users.services.ws_tokens import ws_token_consume

if TYPE_CHECKING:
    from apps.users.models import User


@dataclass(frozen=True, slots=True)
class Identity:
    """`fingerprint` changes with the password; `session_key` is empty for a token's bearer."""

    user_id: UUID
    fingerprint: str
    session_key: str = ""


def _header(scope: Mapping[str, Any], name: bytes) -> str | None:
    values = [value for key, value in scope.get("headers", ()) if key.lower() == name]
    return values[0].decode("latin-1") if len(values) == 1 else None


def origin_is_foreign(scope: Mapping[str, Any]) -> bool:
    """Return whether a page of another site (or of none: null) opened the connection.

    No Origin at all means no browser: no cookie is believed then, only a token.
    """
    if not any(key.lower() == b"origin" for key, _ in scope.get("headers", ())):
        return False
    origin = _header(scope, b"origin") or "null"
    if origin in {settings.PUBLIC_URL, *settings.CORS_ALLOWED_ORIGINS}:
        return False
    host = _header(scope, b"host") or ""
    domain, _ = split_domain_port(host)
    parts = urlsplit(origin)
    same = parts.scheme in {"http", "https"} and parts.netloc == host
    return not (same and bool(domain) and validate_host(domain, settings.ALLOWED_HOSTS))


def _has_own_origin(scope: Mapping[str, Any]) -> bool:
    origin, host = _header(scope, b"origin"), _header(scope, b"host")
    return origin is not None and (origin == settings.PUBLIC_URL or urlsplit(origin).netloc == host)


def _of(user: "User", session_key: str = "") -> Identity:
    return Identity(user.pk, user.get_session_auth_hash(), session_key)


@database_sync_to_async
def identity_of_session(scope: Mapping[str, Any]) -> Identity | None:
    """Return the portal session's user, second factor verified; None without one."""
    session = scope.get("session")
    if session is None or not _has_own_origin(scope):
        return None
    user = portal_user_get(session)
    return _of(user, session.session_key) if user else None


@database_sync_to_async
def identity_of_token(token: str) -> Identity | None:
    """Return the user of a one-use token and use it up; None for any other text."""
    user_id = ws_token_consume(token)
    user = _active(user_id) if user_id else None
    return _of(user) if user else None


@database_sync_to_async
def identity_holds(identity: Identity, scope: Mapping[str, Any]) -> bool:
    """Return whether the user is active, the password the same and the session not ended."""
    if identity.session_key:
        session = type(scope["session"]._wrapped)(identity.session_key)
        user = portal_user_get(session)
    else:
        user = _active(identity.user_id)
    return user is not None and user.get_session_auth_hash() == identity.fingerprint


def _active(user_id: UUID) -> "User | None":
    try:
        user = user_get(user_id)
    except NotFound:
        return None
    return user if user.is_active else None
