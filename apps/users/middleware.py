"""Sessions that know their device and their limits, and no page without a second factor."""

from collections.abc import Callable

from django.contrib.auth import logout
from django.contrib.auth.views import redirect_to_login
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from apps.users.backends import SessionStore, session_describe
from apps.users.models import User
from apps.users.selectors import (
    second_factor_is_demanded,
    session_is_verified,
    user_has_enough,
    user_has_second_factor,
)


class PortalSessionMiddleware(SessionMiddleware):
    """Tells the session who asks, and notes its use.

    What a page asks by itself, without its user, says so by `X-Background`: it does not keep an
    idle session alive.
    """

    def process_request(self, request: HttpRequest) -> None:
        super().process_request(request)
        session_describe(request)

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        if isinstance(request.session, SessionStore):
            request.session.touch()
        answer: HttpResponse = super().process_response(request, response)
        return answer


class SecondFactorMiddleware:
    """Stands after OTPMiddleware; the API's own authentication answers for `/api/`.

    A session that is older than the device is signed out; staff without a device that suffices
    reach the page that enrols one, and nothing else.
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
        proved_another = getattr(user, "otp_device", None) is not None
        if user_has_enough(user) or (user_has_second_factor(user) and not proved_another):
            logout(request)
            return redirect_to_login(request.get_full_path())
        open_pages = ("security", "step_up_confirm", "account_logout")
        if request.path in {reverse(name) for name in open_pages}:
            return None
        return redirect("security")
