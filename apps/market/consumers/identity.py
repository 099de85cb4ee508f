"""Who is behind a connection, and whether that still holds."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from channels.db import database_sync_to_async
from django.conf import settings
from django.http.request import split_domain_port, validate_host
from django.utils.module_loading import import_string

from apps.core.errors import NotFound
from apps.market.consumers.frames import CLOSE_FORBIDDEN, CLOSE_UNAUTHENTICATED
from apps.users.domain.access_matrix import is_allowed
from apps.users.selectors import api_session_get, portal_user_get, user_get
from apps.users.services.api_keys import api_key_holds
from apps.users.services.ws_tokens import ws_token_consume

if TYPE_CHECKING:
    from apps.users.models import ApiKey, User


@dataclass(frozen=True, slots=True)
class Identity:
    """Who it is, by which sign-in ("" is none), and with what rights when they came.

    `fingerprint` changes with the password.  With an API key behind it, `scopes` says what it may
    hear and `reach` of which portfolios.
    """

    user_id: UUID
    fingerprint: str
    roles: frozenset[str]
    portal_session_id: str = ""
    api_session_id: str = ""
    api_key_id: str = ""
    scopes: frozenset[str] = frozenset()
    reach: str = ""

    def may_hear(self, channel: str) -> bool:
        """Tell whether the connection may subscribe to the channel."""
        if not is_allowed(f"WS {channel}", self.roles):
            return False
        return not self.api_key_id or settings.API_KEY_CHANNELS.get(channel) in self.scopes

    def is_within_reach(self, data: Mapping[str, Any]) -> bool:
        """Tell whether a private message is about what the connection reaches."""
        return not self.reach or data.get("mode") == self.reach


def _header(scope: Mapping[str, Any], name: bytes) -> str | None:
    values = [value for key, value in scope.get("headers", ()) if key.lower() == name]
    return values[0].decode("latin-1") if len(values) == 1 else None


def origin_is_foreign(scope: Mapping[str, Any]) -> bool:
    """Return whether anything but a page or program that names our origin opened the connection.

    No Origin at all, `null` and two of them are foreign too: a program has to say where it means
    to go, as a browser does.
    """
    origin = _header(scope, b"origin")
    if origin in {settings.PUBLIC_URL, *settings.CORS_ALLOWED_ORIGINS}:
        return False
    host = _header(scope, b"host") or ""
    domain, _ = split_domain_port(host)
    same = origin in _origins_of(host)
    return not (same and bool(domain) and validate_host(domain, settings.ALLOWED_HOSTS))


def _has_own_origin(scope: Mapping[str, Any]) -> bool:
    origin, host = _header(scope, b"origin"), _header(scope, b"host")
    return origin is not None and origin in {settings.PUBLIC_URL, *_origins_of(host or "")}


def _origins_of(host: str) -> set[str]:
    return {f"http://{host}", f"https://{host}"}


def _of(user: "User", portal_session_id: str = "", api_session_id: str = "") -> Identity:
    fingerprint = user.get_session_auth_hash()
    return Identity(user.pk, fingerprint, user.role_names, portal_session_id, api_session_id)


def _of_key(key: "ApiKey") -> Identity:
    return Identity(
        key.user_id,
        key.user.get_session_auth_hash(),
        key.user.role_names,
        api_key_id=str(key.pk),
        scopes=frozenset(key.scopes),
        reach=key.mode,
    )


@database_sync_to_async
def identity_of_session(scope: Mapping[str, Any]) -> Identity | None:
    """Return the portal session's user, second factor verified; None without one."""
    session = scope.get("session")
    if session is None or not _has_own_origin(scope):
        return None
    user = portal_user_get(session)
    return _of(user, str(session.public_id)) if user else None


@database_sync_to_async
def identity_of_token(token: str) -> Identity | None:
    """Return the user of a one-use token and use it up; None for any other text."""
    ticket = ws_token_consume(token)
    user = _active(ticket.user_id) if ticket else None
    if ticket is None or user is None:
        return None
    if ticket.api_key_id:
        key = api_key_holds(UUID(ticket.api_key_id))
        return _of_key(key) if key else None
    identity = _of(user, ticket.portal_session_id, ticket.api_session_id)
    return identity if _refusal(identity) is None else None


@database_sync_to_async
def identity_refusal(identity: Identity) -> int | None:
    """Return why the connection must end now: the code to close it with; None while all holds.

    4401 when the user is disabled, the password is another or the sign-in has ended; 4403 when the
    user's roles are others than when they came.
    """
    return _refusal(identity)


def _refusal(identity: Identity) -> int | None:
    user = _active(identity.user_id)
    if identity.portal_session_id:
        user = portal_user_get(_store().by_id(UUID(identity.portal_session_id)))
    if identity.api_session_id and api_session_get(UUID(identity.api_session_id)) is None:
        user = None
    if identity.api_key_id and api_key_holds(UUID(identity.api_key_id)) is None:
        user = None
    if user is None or user.get_session_auth_hash() != identity.fingerprint:
        return CLOSE_UNAUTHENTICATED
    return None if user.role_names == identity.roles else CLOSE_FORBIDDEN


@functools.cache
def _store() -> Any:
    return import_string(f"{settings.SESSION_ENGINE}.SessionStore")


def _active(user_id: UUID) -> "User | None":
    try:
        user = user_get(user_id)
    except NotFound:
        return None
    return user if user.is_active else None
