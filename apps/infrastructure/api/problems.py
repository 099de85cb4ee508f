"""One error shape: RFC 9457 problem details with a stable code."""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import structlog
from django.core.exceptions import PermissionDenied
from django.db import OperationalError
from django.http import Http404, HttpRequest, JsonResponse
from rest_framework import exceptions
from rest_framework.response import Response

from apps.core import errors
from apps.infrastructure.security_log import known_user_id, record_once

logger = structlog.get_logger(__name__)
CONTENT_TYPE = "application/problem+json"

STATUS_OF: tuple[tuple[type[errors.DomainError], int], ...] = (
    (errors.InvalidInput, 400),
    (errors.NotPermitted, 403),
    (errors.NotFound, 404),
    (errors.Stale, 412),
    (errors.Conflict, 409),
    (errors.Unavailable, 503),
    (errors.DomainError, 422),
)


def request_id() -> str:
    return str(structlog.contextvars.get_contextvars().get("request_id", ""))


def problem(status: int, code: str, detail: str, **members: Any) -> dict[str, Any]:
    """Return the members of a problem document; `type` is a relative reference to its code."""
    return {
        "type": f"/problems/{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
        "request_id": request_id(),
        **members,
    }


def domain_status(error: errors.DomainError) -> int:
    return next(status for kind, status in STATUS_OF if isinstance(error, kind))


def domain_problem(error: errors.DomainError) -> dict[str, Any]:
    members: dict[str, Any] = {"facts": error.facts} if error.facts else {}
    return problem(domain_status(error), error.code, error.message, **members)


def _field_errors(detail: Any, path: str = "") -> Iterator[dict[str, str]]:
    if isinstance(detail, dict):
        for name, inner in detail.items():
            yield from _field_errors(inner, f"{path}.{name}" if path else str(name))
    elif isinstance(detail, list):
        for inner in detail:
            yield from _field_errors(inner, path)
    else:
        code = getattr(detail, "code", "invalid")
        yield {"field": path, "code": str(code), "message": str(detail)}


def _api_problem(error: exceptions.APIException) -> dict[str, Any]:
    if isinstance(error, exceptions.ValidationError):
        listed = list(_field_errors(error.detail))
        return problem(error.status_code, "invalid", "The input is not valid.", errors=listed)
    codes = error.get_codes()
    code = codes if isinstance(codes, str) else error.default_code
    return problem(error.status_code, code, str(error.detail))


# What a code says more exactly than its status; None: its own code has recorded it.
EVENT_OF_CODE: dict[str, str | None] = {
    "csrf_failed": "csrf.refused",
    "duplicate": "input.refused",
    "invalid_credentials": None,
    "invalid_token": "token.invalid",
    "malformed_json": "input.refused",
    "second_factor_required": "second_factor.refused",
    "step_up_required": "step_up.refused",
    "unknown_field": "input.refused",
}
EVENT_OF_STATUS = {401: "authentication.failed", 403: "authorisation.denied", 429: "throttled"}


def _record_refusal(body: dict[str, Any], context: dict[str, Any]) -> None:
    """Write a refusal down; bad input only where no client of ours would send it."""
    request = context["request"]
    listed = {item["code"] for item in body.get("errors", ())} & EVENT_OF_CODE.keys()
    code = min(listed, default=body["code"])
    event = EVENT_OF_CODE.get(code, EVENT_OF_STATUS.get(body["status"]))
    if body["status"] == 404 and known_user_id(request._request):
        event = "object.hidden"
    if event is not None:
        record_once(event, request=request, status=body["status"], code=code)


def _response(body: dict[str, Any], headers: dict[str, str] | None = None) -> Response:
    return Response(body, body["status"], headers=headers, content_type=CONTENT_TYPE)


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """Turn what a view raised into a problem; None (a bug) becomes Django's 500."""
    response = _problem_of(error)
    if response is not None:
        _record_refusal(response.data, context)
    return response


def _problem_of(error: Exception) -> Response | None:
    if isinstance(error, errors.DomainError):
        headers = {"Retry-After": "1"} if isinstance(error, errors.Unavailable) else None
        return _response(domain_problem(error), headers)
    if isinstance(error, Http404):
        return _response(problem(404, "not_found", "There is no such object."))
    if isinstance(error, PermissionDenied):
        return _response(problem(403, "not_permitted", "You may not do this."))
    if isinstance(error, OperationalError):
        logger.error("database_unavailable", error=type(error).__name__)
        body = problem(503, "unavailable", "The database does not answer; try again.")
        return _response(body, {"Retry-After": "1"})
    if not isinstance(error, exceptions.APIException):
        return None
    headers = {}
    if challenge := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if wait := getattr(error, "wait", None):
        headers["Retry-After"] = str(int(wait))
    return _response(_api_problem(error), headers)


def problem_response(status: int, code: str, detail: str) -> JsonResponse:
    """Answer outside DRF (middleware, error pages) in the same shape."""
    return JsonResponse(problem(status, code, detail), status=status, content_type=CONTENT_TYPE)


def is_api(request: HttpRequest) -> bool:
    return request.path.startswith("/api/")
