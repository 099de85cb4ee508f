"""What every request gets: an id, a limit, headers, a figure in the metrics."""

import re
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import structlog
from asgiref.sync import iscoroutinefunction, sync_to_async
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.utils.decorators import sync_and_async_middleware
from django_structlog.middlewares import RequestMiddleware

from apps.infrastructure.api.problems import CONTENT_TYPE, is_api, problem, problem_response
from apps.infrastructure.metrics import observe_api
from apps.infrastructure.ratelimit import Allowance, count_request
from apps.infrastructure.security_log import known_user_id, record

logger = structlog.get_logger(__name__)
GetResponse = Callable[[HttpRequest], Any]
# Goes into logs, answers and the audit trail: an id such as a UUID, and no text.
REQUEST_ID = re.compile(r"[A-Za-z0-9-]{8,64}")
T = TypeVar("T")


def wrap(
    get_response: GetResponse,
    before: Callable[[HttpRequest], T],
    after: Callable[[HttpRequest, HttpResponseBase, T], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]]:
    """Run `before` and `after`, which must not block, around both kinds of request."""
    if iscoroutinefunction(get_response):

        async def answer_async(request: HttpRequest) -> HttpResponseBase:
            state = before(request)
            return after(request, await get_response(request), state)

        return answer_async

    def answer(request: HttpRequest) -> HttpResponseBase:
        state = before(request)
        return after(request, get_response(request), state)

    return answer


def guard(
    get_response: GetResponse, refusal: Callable[[HttpRequest], HttpResponseBase | None]
) -> Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]]:
    """Answer with the refusal where there is one; `refusal` must not block."""
    if iscoroutinefunction(get_response):

        async def answer_async(request: HttpRequest) -> HttpResponseBase:
            refused = refusal(request)
            return refused if refused is not None else await get_response(request)

        return answer_async

    def answer(request: HttpRequest) -> HttpResponseBase:
        refused = refusal(request)
        return refused if refused is not None else get_response(request)

    return answer


@sync_and_async_middleware
def last_resort(get_response: GetResponse) -> Any:
    """Answer 500 when even the error page fails; the process goes on."""
    if iscoroutinefunction(get_response):

        async def answer_async(request: HttpRequest) -> HttpResponseBase:
            try:
                answered: HttpResponseBase = await get_response(request)
            except Exception:
                logger.exception("error_page_failed")
                return _bare_error(request)
            return answered

        return answer_async

    def answer(request: HttpRequest) -> HttpResponseBase:
        try:
            answered: HttpResponseBase = get_response(request)
        except Exception:
            logger.exception("error_page_failed")
            return _bare_error(request)
        return answered

    return answer


def _bare_error(request: HttpRequest) -> HttpResponse:
    detail = "This is our fault; it has been written down."
    if is_api(request):
        return problem_response(500, "server_error", detail)
    return HttpResponse(f"{detail}\n", "text/plain", 500)


class RequestLog(RequestMiddleware):
    """One line a request: the route instead of the path, which may hold a token or an id."""

    @staticmethod
    def format_request(request: HttpRequest) -> str:
        match = request.resolver_match
        return f"{request.method} {match.route if match else 'unmatched'}"

    @staticmethod
    def bind_user_id(request: HttpRequest) -> None:
        """Name the user if somebody has already looked; the log itself asks no database."""
        if user_id := known_user_id(request):
            structlog.contextvars.bind_contextvars(user_id=str(user_id))


@sync_and_async_middleware
def request_id(get_response: GetResponse) -> Any:
    """Take a well-formed X-Request-ID or make one; it is the correlation id of what follows."""

    def before(request: HttpRequest) -> str:
        given = request.META.get("HTTP_X_REQUEST_ID", "")
        chosen = given if REQUEST_ID.fullmatch(given) else str(uuid.uuid4())
        correlation = request.META.get("HTTP_X_CORRELATION_ID", "")
        if not REQUEST_ID.fullmatch(correlation):
            correlation = chosen
        request.META["HTTP_X_REQUEST_ID"] = chosen
        request.META["HTTP_X_CORRELATION_ID"] = correlation
        # Headers that somebody read before are remembered as they came.
        request.__dict__.pop("headers", None)
        return chosen

    def after(_: HttpRequest, response: HttpResponseBase, chosen: str) -> HttpResponseBase:
        response.headers["X-Request-ID"] = chosen
        return response

    return wrap(get_response, before, after)


@sync_and_async_middleware
def security_headers(get_response: GetResponse) -> Any:
    """Give every answer what each needs, whoever made it; keep dynamic ones out of caches."""

    def after(request: HttpRequest, response: HttpResponseBase, _: None) -> HttpResponseBase:
        for name, value in settings.BASELINE_HEADERS.items():
            response.headers.setdefault(name, value)
        if not request.path.startswith(settings.STATIC_URL):
            response.headers.setdefault("Cache-Control", "no-store")
        return response

    return wrap(get_response, lambda _: None, after)


@sync_and_async_middleware
def api_metrics(get_response: GetResponse) -> Any:
    """Count and time the API's answers by route, method and status."""

    def before(_: HttpRequest) -> float:
        return time.perf_counter()

    def after(
        request: HttpRequest, response: HttpResponseBase, started_at: float
    ) -> HttpResponseBase:
        if request.path.startswith("/api/"):
            match = request.resolver_match
            endpoint = match.route if match else "unmatched"
            method = request.method if request.method in KNOWN_METHODS else "OTHER"
            observe_api(endpoint, str(method), response.status_code, started_at)
        return response

    return wrap(get_response, before, after)


KNOWN_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


@sync_and_async_middleware
def rate_limit(get_response: GetResponse) -> Any:
    """Answer 429 beyond a limit, and tell the API's callers what is left."""
    if iscoroutinefunction(get_response):

        async def answer_async(request: HttpRequest) -> HttpResponseBase:
            allowances = await sync_to_async(count_request)(request)
            refusal = _refusal(request, allowances)
            return _labelled(refusal or await get_response(request), request, allowances)

        return answer_async

    def answer(request: HttpRequest) -> HttpResponseBase:
        allowances = count_request(request)
        refusal = _refusal(request, allowances)
        return _labelled(refusal or get_response(request), request, allowances)

    return answer


def _refusal(request: HttpRequest, allowances: list[Allowance]) -> HttpResponse | None:
    used_up = [item for item in allowances if item.is_used_up]
    if not used_up:
        return None
    # A limit of nothing means that the counters are unreachable, not that the caller asked a lot.
    status, code = (503, "unavailable") if any(not i.limit for i in used_up) else (429, "throttled")
    if status == 429:
        record("throttled", request=request, policy=used_up[0].policy)
    detail = "Too many requests." if status == 429 else "Signing in is not possible now."
    response: HttpResponse
    if is_api(request):
        response = JsonResponse(
            problem(status, code, detail), status=status, content_type=CONTENT_TYPE
        )
    else:
        response = HttpResponse(f"{detail}  Try again later.\n", "text/plain", status)
    response["Retry-After"] = str(max(item.reset_seconds for item in used_up) or 1)
    return response


def _labelled(
    response: HttpResponseBase, request: HttpRequest, allowances: list[Allowance]
) -> HttpResponseBase:
    """Add RateLimit-Policy and RateLimit (draft-ietf-httpapi-ratelimit-headers)."""
    if allowances and request.path.startswith("/api/"):
        response.headers["RateLimit-Policy"] = ", ".join(
            f'"{item.policy}";q={item.limit};w=60' for item in allowances
        )
        response.headers["RateLimit"] = ", ".join(
            f'"{item.policy}";r={item.remaining};t={item.reset_seconds}' for item in allowances
        )
    return response
