"""How a request to the API proves who sends it."""

from typing import Any

from rest_framework import authentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from apps.users.models import ApiSession, User
from apps.users.selectors import second_factor_is_demanded, session_is_verified
from apps.users.services.tokens import access_token_verify


class JWTAuthentication(authentication.BaseAuthentication):
    """`Authorization: Bearer <access token>`; refuses a token without the second factor."""

    keyword = "bearer"

    def authenticate(self, request: Request) -> tuple[User, ApiSession] | None:
        parts = authentication.get_authorization_header(request).split()
        if not parts or parts[0].lower() != self.keyword.encode():
            return None
        session = access_token_verify(parts[1].decode("latin-1")) if len(parts) == 2 else None
        if session is None:
            raise AuthenticationFailed("The access token is not valid.", code="invalid_token")
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
