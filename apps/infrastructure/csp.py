"""The content security policy: a nonce for every page, and an ear for what browsers report."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from csp.middleware import CSPMiddleware, PolicyParts
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import Resolver404, resolve
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from apps.infrastructure.api.parsers import MalformedJSON, parse_json
from apps.infrastructure.security_log import record

REPORT_TYPES = frozenset({"application/csp-report", "application/reports+json", "application/json"})
MAX_REPORT_BYTES = 16 * 1024
MAX_REPORTS = 10
NOT_A_PLACE = frozenset({"inline", "eval", "wasm-eval", "data", "blob", "self", "trusted-types"})


class ContentSecurityPolicy(CSPMiddleware):
    """django-csp, with a new nonce on every page whether or not it has a script."""

    def get_policy_parts(
        self, request: HttpRequest, response: HttpResponseBase, report_only: bool = False
    ) -> PolicyParts:
        if str(response.get("Content-Type", "")).startswith("text/html"):
            self._make_nonce(request)
        return super().get_policy_parts(request, response, report_only)


def nonce(request: HttpRequest) -> dict[str, Any]:
    """Give templates the nonce of their page (a context processor)."""
    return {"csp_nonce": getattr(request, "csp_nonce", "")}


@csrf_exempt
@require_POST
def csp_report(request: HttpRequest) -> HttpResponse:
    """Log what a browser's policy stopped: which rule, on which route, and from which host.

    Anybody can send anything here: it is bounded, limited by address, and no free text is kept.
    """
    if request.content_type not in REPORT_TYPES:
        return HttpResponse(status=415)
    body = request.read(MAX_REPORT_BYTES + 1)
    if len(body) > MAX_REPORT_BYTES:
        return HttpResponse(status=413)
    try:
        reports = list(_violations(parse_json(body)))
    except MalformedJSON:
        return HttpResponse(status=400)
    if not reports:
        return HttpResponse(status=400)
    for report in reports[:MAX_REPORTS]:
        directive = report.get("effective-directive") or report.get("effectiveDirective")
        record(
            "csp.violation",
            directive=_directive(directive or report.get("violated-directive")),
            page=_route(report.get("document-uri") or report.get("documentURL")),
            blocked=_place(report.get("blocked-uri") or report.get("blockedURL")),
        )
    return HttpResponse(status=204)


def _violations(value: Any) -> Iterator[dict[str, Any]]:
    """Yield the violations of either form: `report-uri` (CSP 2) and `report-to` (Reporting API)."""
    if isinstance(value, dict) and isinstance(value.get("csp-report"), dict):
        yield value["csp-report"]
    for item in value if isinstance(value, list) else ():
        is_violation = isinstance(item, dict) and item.get("type") == "csp-violation"
        if is_violation and isinstance(item.get("body"), dict):
            yield item["body"]


def _directive(value: Any) -> str:
    name = str(value).split(" ")[0]
    return name if len(name) < 40 and name.replace("-", "").isalpha() else "other"


def _place(value: Any) -> str:
    """Return the scheme and host of an address, or the word that stands for none."""
    text = str(value)
    if text in NOT_A_PLACE:
        return text
    try:
        parts = urlsplit(text)
    except ValueError:
        return "other"
    return f"{parts.scheme}://{parts.hostname}" if parts.hostname else "other"


def _route(value: Any) -> str:
    try:
        return resolve(urlsplit(str(value)).path).route
    except (Resolver404, ValueError):
        return "other"
