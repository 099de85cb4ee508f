"""Many weak hits at once as false positives: shown with both names, then one command a client.

The version of each client's evidence travels with the page: what changed since is refused.
"""

from itertools import groupby
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from apps.compliance.domain.matching import STRONG_FROM
from apps.compliance.domain.wording import plain
from apps.compliance.domain.work_items import WorkKind
from apps.compliance.models import WorkItem
from apps.compliance.selectors.hits import bulk_reasons, weak_hits
from apps.compliance.services.hits import hits_dispose
from apps.compliance.services.kyc_decisions import kyc_view_record
from apps.core.errors import DomainError
from apps.users.actors import actor_of

TEMPLATE = "admin/compliance/workitem/false_positives.html"


def ask_page(
    request: HttpRequest, site: admin.AdminSite, chosen: list[WorkItem]
) -> HttpResponse | None:
    """Return the page that asks why; None, with a message, where nothing may be decided so."""
    hits = weak_hits([item.subject_id for item in chosen if item.kind == WorkKind.HIT])
    if left_out := len(chosen) - len(hits):
        told = f"{left_out} left out: only open hits below {STRONG_FROM} are decided together."
        messages.warning(request, told)
    if not hits:
        return None
    for record_id in sorted({hit.record_id for hit in hits}):
        kyc_view_record(actor=actor_of(request), record_id=record_id)
    context: dict[str, Any] = {
        **site.each_context(request),
        "title": "Decide as false positives",
        "opts": WorkItem._meta,
        "hits": hits,
        "versions": {hit.record_id: hit.record.evidence_version for hit in hits},
        "reasons": [(code, plain(code)) for code in bulk_reasons()],
    }
    return TemplateResponse(request, TEMPLATE, context)


def decide(request: HttpRequest) -> HttpResponse:
    """Decide by one command a client; say what was refused, and why."""
    form, done = request.POST, 0
    hits = weak_hits(_ids(form.getlist("hit")))
    for record, of_record in groupby(hits, key=lambda hit: hit.record):
        version = form.get(f"version-{record.id}", "")[:9]
        try:
            decided = hits_dispose(
                actor=actor_of(request),
                hit_ids=[hit.id for hit in of_record],
                disposition="FALSE_POSITIVE",
                reason_code=form.get("reason_code", ""),
                reason=form.get("reason", ""),
                evidence_version=int(version) if version.isascii() and version.isdecimal() else -1,
            )
        except DomainError as error:
            messages.error(request, f"{record}: {error.message}")
        else:
            done += len(decided)
    if done:
        messages.success(request, f"{done} decided as false positives.")
    return HttpResponseRedirect(f"{reverse('admin:compliance_workitem_changelist')}?kind=HIT")


def _ids(texts: list[str]) -> list[UUID]:
    found = []
    for text in texts[:100]:
        try:
            found.append(UUID(text))
        except ValueError:
            continue
    return found
