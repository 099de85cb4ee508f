"""Requests that no page and no client of ours sends: without TLS, odd methods, other sites."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.decorators import sync_and_async_middleware

from apps.infrastructure.api.problems import is_api, problem_response
from apps.infrastructure.middleware import GetResponse, guard
from apps.infrastructure.security_log import record

# OPTIONS is for the views to refuse: they know which methods to name.
API_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
PAGE_METHODS = ("GET", "HEAD", "POST")


def _refused(request: HttpRequest, status: int, code: str, detail: str) -> HttpResponse:
    if is_api(request):
        return problem_response(status, code, detail)
    return HttpResponse(f"{detail}\n", "text/plain", status)


@sync_and_async_middleware
def https_for_api(get_response: GetResponse) -> Any:
    """Refuse a call of the API without TLS where pages would be sent there.

    A redirect would hide from a client that it shows its credentials to everybody on the way.
    """

    def refusal(request: HttpRequest) -> HttpResponseBase | None:
        if not settings.SECURE_SSL_REDIRECT or request.is_secure() or not is_api(request):
            return None
        record("plain_http.refused", request=request)
        detail = "Use https. What this request carried may have been read: replace its credentials."
        return _refused(request, 403, "https_required", detail)

    return guard(get_response, refusal)


@sync_and_async_middleware
def known_methods(get_response: GetResponse) -> Any:
    """Answer 405 to every method that no address here has; the views refuse those of others."""

    def refusal(request: HttpRequest) -> HttpResponseBase | None:
        methods = API_METHODS if is_api(request) else PAGE_METHODS
        if request.method in methods:
            return None
        detail = "There is no such method here."
        response = _refused(request, 405, "method_not_allowed", detail)
        response["Allow"] = ", ".join(methods)
        return response

    return guard(get_response, refusal)


def _is_of_another_site(request: HttpRequest) -> bool:
    """Tell whether a page of another origin sent this, other than by a link.

    After the resource isolation policy of https://web.dev/articles/fetch-metadata.  Browsers tell
    and scripts cannot lie; clients that are no browsers say nothing.
    """
    headers = request.headers
    if headers.get("Sec-Fetch-Site", "none") in {"none", "same-origin"}:
        return False
    if is_api(request) and headers.get("Origin") in settings.CORS_ALLOWED_ORIGINS:
        return False
    is_link = (
        request.method in {"GET", "HEAD"}
        and headers.get("Sec-Fetch-Mode") == "navigate"
        and headers.get("Sec-Fetch-Dest") == "document"
    )
    return not is_link


@sync_and_async_middleware
def own_pages_only(get_response: GetResponse) -> Any:
    """Refuse what another site's page loads, frames or posts in a user's browser."""

    def refusal(request: HttpRequest) -> HttpResponseBase | None:
        if not _is_of_another_site(request):
            return None
        record("fetch.refused", request=request, site=request.headers.get("Sec-Fetch-Site"))
        return _refused(request, 403, "foreign_site", "Another site's page may not ask for this.")

    return guard(get_response, refusal)
