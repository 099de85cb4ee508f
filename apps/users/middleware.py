"""No page for a session that lacks the second factor which its user has or must have."""

from collections.abc import Callable

from django.contrib.auth import logout
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from apps.users.models import User
from apps.users.selectors import (
    second_factor_is_demanded,
    session_is_verified,
    user_has_second_factor,
)


class SecondFactorMiddleware:
    """Stands after OTPMiddleware; the API's own authentication answers for `/api/`.

    A session that is older than the device is signed out; staff without a device reach the page
    that enrols one, and nothing else.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self._refusal(request) or self.get_response(request)

    def _refusal(self, request: HttpRequest) -> HttpResponse | None:
        if request.path.startswith("/api/"):
            return None
        user = request.user
        if (
            not isinstance(user, User)
            or session_is_verified(user)
            or not second_factor_is_demanded(user)
        ):
            return None
        if user_has_second_factor(user):
            logout(request)
            return redirect_to_login(request.get_full_path())
        if request.path in {reverse("security"), reverse("account_logout")}:
            return None
        return redirect("security")
