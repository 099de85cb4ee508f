"""Errors outside the API's views: a problem for the API's callers, a page for the others."""

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template import loader
from django.views import defaults

from apps.infrastructure.api.problems import is_api, problem_response
from apps.infrastructure.csp import nonce
from apps.infrastructure.security_log import known_user_id, record_once

DESK = "/admin/"


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    code = "host.refused" if isinstance(exception, DisallowedHost) else "input.refused"
    record_once(code, request=request, reason=type(exception).__name__)
    if is_api(request):
        return problem_response(400, "bad_request", "The request cannot be read.")
    return _page_without_request(request, "400.html", 400)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    record_once("csrf.refused", request=request, reason=reason)
    if is_api(request):
        return problem_response(403, "csrf_failed", "The CSRF token is missing or wrong.")
    return render(request, "403_csrf.html", status=403)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    code = "admin.denied" if request.path.startswith(DESK) else "authorisation.denied"
    record_once(code, request=request, status=403)
    if is_api(request):
        return problem_response(403, "not_permitted", "You may not do this.")
    return defaults.permission_denied(request, exception)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if request.resolver_match is not None and known_user_id(request):
        record_once("object.hidden", request=request, status=404)
    if is_api(request):
        return problem_response(404, "not_found", "There is no such address.")
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    record_once("error.unexpected", request=request, status=500)
    if is_api(request):
        return problem_response(500, "server_error", "This is our fault; it has been written down.")
    return _page_without_request(request, "500.html", 500)


def _page_without_request(request: HttpRequest, template: str, status: int) -> HttpResponse:
    """Render a page that asks nothing of the session or the database, which may be the trouble."""
    return HttpResponse(loader.render_to_string(template, nonce(request)), status=status)
