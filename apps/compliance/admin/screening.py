"""Screening on the desk: thresholds under four eyes, names on demand, cases."""

from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from apps.compliance.admin.clients import ClientRowsAdmin
from apps.compliance.domain.matching import HIGHEST_THRESHOLD, RESULT_FLOOR
from apps.compliance.domain.search_terms import COLUMNS, KINDS, MAX_BYTES, MAX_ROWS
from apps.compliance.models import Case, ScreeningSearch, ScreeningThreshold
from apps.compliance.models.threshold import RISK_CLASSES
from apps.compliance.selectors.screening import versions_in_force
from apps.compliance.selectors.screening_searches import (
    EXPORT_HEADER,
    clients_named,
    search_export,
    search_rows,
)
from apps.compliance.selectors.thresholds import threshold_in_force, threshold_replay
from apps.compliance.services import screening_searches, thresholds
from apps.compliance.services.work_items import page_opened
from apps.core.errors import DomainError, InvalidInput, NotFound
from apps.infrastructure.admin import ReadOnlyAdmin
from apps.infrastructure.exports import csv_stream
from apps.users.actors import actor_of
from apps.users.step_up import step_up_page

ROWS_SHOWN = 100


class DeskAdmin(ReadOnlyAdmin):
    """A table whose rows have pages of their own."""

    def _row(self, request: HttpRequest, object_id: str) -> Any:
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            found = self.get_queryset(request).filter(pk=UUID(object_id)).first()
        except ValueError as error:
            raise Http404 from error
        if found is None:
            raise Http404
        return found

    def _page(self, request: HttpRequest, template: str, **context: Any) -> HttpResponse:
        shared = {**self.admin_site.each_context(request), "opts": self.opts}
        return TemplateResponse(request, f"admin/compliance/{template}.html", shared | context)


@admin.register(ScreeningThreshold)
class ScreeningThresholdAdmin(DeskAdmin):
    list_display = ("__str__", "threshold", "status", "proposed_by", "decided_by", "created_at")
    list_filter = ("status", "list_code", "risk_class")
    list_select_related = ("proposed_by", "decided_by")
    change_list_template = "admin/compliance/screeningthreshold/change_list.html"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.propose_view)
        return [
            path("propose/", view, name="compliance_screeningthreshold_propose"),
            *super().get_urls(),
        ]

    def propose_view(self, request: HttpRequest) -> HttpResponse:
        """Show what a threshold would have raised and lost; propose it when that was read."""
        actor = actor_of(request)
        if not actor.has_perm(thresholds.CHANGE):
            raise PermissionDenied
        form = request.POST if request.method == "POST" else request.GET
        list_code, risk_class = form.get("list_code", ""), form.get("risk_class", "")
        replay = None
        try:
            if form.get("threshold"):
                value = _decimal(form["threshold"])
                if request.method == "POST":
                    proposal = thresholds.threshold_propose(
                        actor=actor,
                        list_code=list_code,
                        risk_class=risk_class,
                        threshold=value,
                        base_version=_number(form.get("base_version", "")),
                        reason=form.get("reason", ""),
                    )
                    self.message_user(request, "Proposed: a second officer must activate it.")
                    return HttpResponseRedirect(_address("change", proposal.id))
                thresholds.terms_check(list_code, risk_class, value)
                replay = threshold_replay(list_code, risk_class, value)
        except DomainError as error:
            self.message_user(request, error.message, messages.ERROR)
        lists = sorted(versions_in_force())
        if list_code not in {"", *lists} or risk_class not in {"", *dict(RISK_CLASSES)}:
            list_code = risk_class = ""
        current = threshold_in_force(list_code, risk_class)
        return self._page(
            request,
            "screeningthreshold/propose",
            title="Propose a threshold",
            lists=lists,
            risk_classes=RISK_CLASSES,
            form={name: form.get(name, "") for name in ("threshold", "reason")},
            list_code=list_code,
            risk_class=risk_class,
            current=current,
            base_version=current.version if current else 0,
            replay=replay,
            least=RESULT_FLOOR,
            most=HIGHEST_THRESHOLD,
        )

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        row = self._row(request, object_id)
        actor = actor_of(request)
        if request.method == "POST":
            if page := step_up_page(request):
                return page
            try:
                if request.POST.get("act") == "activate":
                    value = _decimal(request.POST.get("threshold", ""))
                    thresholds.threshold_activate(actor=actor, threshold_id=row.id, threshold=value)
                else:
                    thresholds.threshold_decline(actor=actor, threshold_id=row.id)
                self.message_user(request, "Done.", messages.SUCCESS)
            except DomainError as error:
                self.message_user(request, error.message, messages.ERROR)
            return HttpResponseRedirect(_address("change", row.id))
        is_open = row.status == "PROPOSED"
        work = page_opened(actor, row.id, is_open=is_open and row.proposed_by_id != actor.pk)
        return self._page(
            request,
            "screeningthreshold/review",
            title=f"Threshold: {row}",
            row=row,
            current=threshold_in_force(row.list_code, row.risk_class),
            replay=threshold_replay(row.list_code, row.risk_class, row.threshold),
            **work,
            may_change=is_open and actor.has_perm(thresholds.CHANGE) and not work["barred"],
            is_proposer=row.proposed_by_id == actor.pk,
        )


@admin.register(ScreeningSearch)
class ScreeningSearchAdmin(DeskAdmin):
    list_display = ("__str__", "actor", "purpose", "status", "progress", "hit_count", "created_at")
    list_filter = ("status",)
    list_select_related = ("actor",)
    change_list_template = "admin/compliance/screeningsearch/change_list.html"

    @admin.display(description="names")
    def progress(self, search: ScreeningSearch) -> str:
        return f"{search.done_count} of {search.row_count}"

    def get_urls(self) -> list[URLPattern]:
        ask = self.admin_site.admin_view(self.ask_view)
        export = self.admin_site.admin_view(self.export_view)
        return [
            path("ask/", ask, name="compliance_screeningsearch_ask"),
            path("<uuid:search_id>/export/", export, name="compliance_screeningsearch_export"),
            *super().get_urls(),
        ]

    def ask_view(self, request: HttpRequest) -> HttpResponse:
        """Ask for one name, or for the names of a file."""
        actor = actor_of(request)
        if not actor.has_perm(screening_searches.RUN):
            raise PermissionDenied
        if request.method == "POST":
            purpose, upload = request.POST.get("purpose", ""), request.FILES.get("file")
            try:
                if upload is not None:
                    search = screening_searches.file_search(
                        actor=actor, purpose=purpose, content=upload.read(MAX_BYTES + 1)
                    )
                else:
                    given = {name: request.POST.get(name, "") for name in COLUMNS}
                    search = screening_searches.name_search(
                        actor=actor, purpose=purpose, given=given
                    )
                address = reverse("admin:compliance_screeningsearch_change", args=[search.id])
                return HttpResponseRedirect(address)
            except DomainError as error:
                self.message_user(request, error.message, messages.ERROR)
        return self._page(
            request,
            "screeningsearch/ask",
            title="Screen a name",
            kinds=KINDS,
            form=request.POST,
            columns=COLUMNS,
            max_rows=MAX_ROWS,
        )

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        row = self._row(request, object_id)
        actor = actor_of(request)
        search = screening_searches.search_view(actor=actor, search_id=row.id)
        return self._page(
            request,
            "screeningsearch/results",
            title=str(search),
            search=search,
            clients=clients_named(actor, search),
            rows=search_rows(search, only_hits=search.row_count > 1, limit=ROWS_SHOWN),
            rows_shown=ROWS_SHOWN,
        )

    def export_view(self, request: HttpRequest, search_id: UUID) -> HttpResponseBase:
        try:
            search = screening_searches.search_view(
                actor=actor_of(request), search_id=search_id, how="EXPORTED"
            )
        except NotFound as error:
            raise Http404 from error
        return csv_stream("screening-results.csv", EXPORT_HEADER, search_export(search))


@admin.register(Case)
class CaseAdmin(ClientRowsAdmin):
    list_display = ("__str__", "client", "status", "opened_at")
    list_filter = ("status",)
    list_select_related = ("client",)


def _address(page: str, row_id: UUID) -> str:
    return reverse(f"admin:compliance_screeningthreshold_{page}", args=[row_id])


def _decimal(text: str) -> Decimal:
    try:
        number = Decimal(text.strip()[:10])
    except InvalidOperation as error:
        raise InvalidInput("A threshold is a number.", field="threshold") from error
    if not number.is_finite():
        raise InvalidInput("A threshold is a number.", field="threshold")
    return number


def _number(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > 9:
        raise InvalidInput("The form was not complete.", field="base_version")
    return int(text)
