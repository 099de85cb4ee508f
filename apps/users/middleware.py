"""Sessions that know their limits, the second factor, and what a role may open."""

from collections.abc import Callable
from typing import Any

from django.contrib.auth import logout
from django.contrib.auth.views import redirect_to_login
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.urls import reverse
from rest_framework.views import APIView

from apps.infrastructure.access import is_local
from apps.users.access import methods_named, operation_of, pattern_of, user_may
from apps.users.backends import SessionStore, session_describe
from apps.users.domain.access_matrix import OPERATIONS
from apps.users.domain.audiences import LOCAL, NOBODY
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


class AuthorisationMiddleware:
    """Opens a page only to whom the table of operations names.

    Views of the API ask the table themselves (`OperationPermission`): only they know their caller.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, args: Any, kwargs: Any
    ) -> HttpResponse | None:
        if issubclass(getattr(view, "cls", type(None)), APIView):
            return None
        operation = operation_of(request)
        pattern = pattern_of(request.resolver_match.route) if request.resolver_match else ""
        if operation not in OPERATIONS and (methods := methods_named(pattern)):
            return HttpResponseNotAllowed(methods)
        audience = OPERATIONS.get(operation, NOBODY)
        if user_may(request.user, operation) or (audience >= LOCAL and is_local(request)):
            return None
        if not request.user.is_authenticated and audience and pattern not in MACHINES:
            return redirect_to_login(request.get_full_path())
        if "<" in pattern and not _is_desk(request):
            raise Http404
        raise PermissionDenied


# Programs ask here, and no sign-in page would help them.
MACHINES = frozenset({"/health", "/metrics"})


def _is_desk(request: HttpRequest) -> bool:
    return request.path.startswith("/admin/")
