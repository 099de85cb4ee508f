"""How a request to the API proves who sends it."""

from typing import Any

import structlog
from django.conf import settings
from rest_framework import authentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied, Throttled
from rest_framework.request import Request

from apps.core.errors import NotPermitted
from apps.infrastructure.bearer import bearer_of
from apps.infrastructure.ratelimit import count_more
from apps.infrastructure.security_log import record
from apps.users.models import ApiKey, ApiSession, User
from apps.users.selectors import (
    passkey_is_demanded,
    second_factor_is_demanded,
    session_is_verified,
)
from apps.users.services.api_keys import api_key_use_record, api_key_verify
from apps.users.services.tokens import access_token_verify


def operation_of(request: Request) -> str:
    """Name the operation as the tables of scopes do: the method and the route."""
    match = request.resolver_match
    method = "GET" if request.method == "HEAD" else request.method
    return f"{method} {match.route}" if match else ""


class ApiKeyAuthentication(authentication.BaseAuthentication):
    """`Authorization: Bearer sk_…`; opens only the operations that the key's scopes name.

    The user object that it gives reaches portfolios of the key's mode and no others.
    """

    def authenticate(self, request: Request) -> tuple[User, ApiKey] | None:
        text = bearer_of(request)
        if text is None or not text.startswith("sk_"):
            return None
        address = str(request.META.get("REMOTE_ADDR", ""))
        key = self._key(request, text, address)
        allowance = count_more(request, "key", str(key.pk), f"{key.per_minute}/m")
        if allowance is not None and allowance.is_used_up:
            raise Throttled(wait=allowance.reset_seconds or 1, code="throttled")
        scope = settings.API_KEY_OPERATIONS.get(operation_of(request), "")
        if scope not in key.scopes:
            record("api_key.refused", request=request, user_id=key.user_id, code="scope_missing")
            raise PermissionDenied("The key's scopes do not cover this.", code="scope_missing")
        api_key_use_record(key=key, address=address)
        structlog.contextvars.bind_contextvars(api_key_id=str(key.pk))
        key.user.reach = key.mode
        return key.user, key

    @staticmethod
    def _key(request: Request, text: str, address: str) -> ApiKey:
        try:
            key = api_key_verify(text=text, address=address)
        except NotPermitted as refusal:
            record("api_key.refused", request=request, code=refusal.code)
            raise PermissionDenied(refusal.message, code=refusal.code) from refusal
        if key is None:
            record("api_key.refused", request=request, code="invalid_token")
            raise AuthenticationFailed("The API key is not valid.", code="invalid_token")
        return key

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class JWTAuthentication(authentication.BaseAuthentication):
    """`Authorization: Bearer <access token>`; refuses a token without the second factor."""

    def authenticate(self, request: Request) -> tuple[User, ApiSession] | None:
        token = bearer_of(request)
        if token is None:
            return None
        session = access_token_verify(token)
        if session is None:
            raise AuthenticationFailed("The access token is not valid.", code="invalid_token")
        if passkey_is_demanded(session.user):
            raise AuthenticationFailed("Sign in with a passkey.", code="passkey_required")
        if "otp" not in session.methods and second_factor_is_demanded(session.user):
            raise AuthenticationFailed(
                "Sign in with a second factor.", code="second_factor_required"
            )
        return session.user, session

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class SessionAuthentication(authentication.SessionAuthentication):
    """The portal's session, with CSRF check; one without the second factor counts as nobody."""

    def authenticate(self, request: Request) -> tuple[Any, None] | None:
        found = super().authenticate(request)
        if found is None:
            return None
        user = found[0]
        if not session_is_verified(user) and second_factor_is_demanded(user):
            raise AuthenticationFailed(
                "Sign in with a second factor.", code="second_factor_required"
            )
        return user, None

    def enforce_csrf(self, request: Request) -> None:
        try:
            super().enforce_csrf(request)
        except PermissionDenied as error:
            raise PermissionDenied(str(error.detail), code="csrf_failed") from error
