"""Audit of access: what staff read leaves a trace; what anybody writes, the commands record."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from apps.audit.services import access_record

READING = frozenset({"GET", "HEAD"})


def access_audit(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Record each successful read by staff before it is shown; unrecorded, it is not shown."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        match = request.resolver_match
        if (
            match is not None
            and request.method in READING
            and response.status_code == 200
            and request.path.startswith(settings.ACCESS_AUDITED)
            and match.view_name not in settings.ACCESS_NOT_AUDITED
            and getattr(request.user, "is_staff", False)
        ):
            access_record(
                actor=request.user,
                method=str(request.method),
                route=match.route,
                objects={name: str(value)[:64] for name, value in match.kwargs.items()},
            )
        return response

    return answer
