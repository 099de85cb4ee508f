"""Who may open a client's page, and how a refusal is shown."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required, user_passes_test
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from apps.core.errors import DomainError, NotFound, NotPermitted
from apps.infrastructure.api.problems import domain_status
from apps.users.selectors import second_factor_is_demanded

View = Callable[..., HttpResponseBase]


def _passed_second_factor(user: Any) -> bool:
    return bool(user.is_verified()) or not second_factor_is_demanded(user)


def client_page(*methods: str) -> Callable[[View], View]:
    """Let in who is signed in, and past the second factor where one is demanded.

    What a view does not answer itself becomes a page: another client's object is 404, anything
    else the domain refuses keeps its status and its words.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def run(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            try:
                return view(request, *args, **kwargs)
            except NotFound as error:
                raise Http404(error.message) from error
            except NotPermitted as error:
                raise PermissionDenied(error.message) from error
            except DomainError as error:
                return problem_page(request, error)

        verified = user_passes_test(_passed_second_factor, login_url=settings.LOGIN_URL)(run)
        allowed = require_http_methods(list(methods or ("GET", "HEAD")))
        page: View = allowed(never_cache(login_required(verified)))
        return page

    return decorate


def problem_page(request: HttpRequest, error: DomainError) -> HttpResponse:
    """Render a refusal that no form could show."""
    return render(request, "portal/problem.html", {"problem": error}, status=domain_status(error))
