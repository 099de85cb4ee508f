"""The officers' queue: every kind of work in one list, given out, taken and exported from there."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.views.decorators.http import require_POST

from apps.compliance.admin import work_bulk
from apps.compliance.admin.clients import ClientRowsAdmin
from apps.compliance.admin.work_filters import FILTERS, StateFilter, WaitsFilter
from apps.compliance.domain.wording import duration_words
from apps.compliance.domain.work_items import DECIDE, WorkKind, soon_at
from apps.compliance.forms import WorkActionForm
from apps.compliance.models import WorkItem
from apps.compliance.selectors.work_items import (
    ASSIGN,
    EXPORT_HEADER,
    export_rows,
    officers,
    saved_views,
    with_lock,
)
from apps.compliance.services import saved_views as views
from apps.compliance.services import work_items as services
from apps.compliance.services.work_escalations import work_page_escalate
from apps.compliance.services.work_locks import TAKE, work_lock_release, work_lock_take
from apps.core.errors import DomainError, NotPermitted
from apps.infrastructure.exports import csv_stream
from apps.users.actors import actor_of
from apps.users.step_up import safe_next

LIST = "admin:compliance_workitem_changelist"
BULK_ROWS = 100
# Where a kind is decided; a hit on its client's KYC record.
PAGES = {
    WorkKind.KYC: "admin:compliance_kycrecord_change",
    WorkKind.HIT: "admin:compliance_kycrecord_change",
    WorkKind.ALERT: "admin:compliance_alert_change",
    WorkKind.CASE: "admin:compliance_case_change",
    WorkKind.THRESHOLD: "admin:compliance_screeningthreshold_change",
    WorkKind.OWN_LIST: "admin:compliance_ownlistchange_change",
    WorkKind.IMPORT: "admin:compliance_watchlistimport_change",
    WorkKind.PAYMENT: "admin:compliance_paymentscreening_change",
    WorkKind.OVERRIDE: "admin:compliance_kycrecord_change",
    WorkKind.MATCH: "admin:compliance_kycrecord_change",
    WorkKind.DILIGENCE: "admin:compliance_kycrecord_change",
    WorkKind.LIMIT: "admin:trading_tradinglimit_change",
}


@admin.register(WorkItem)
class WorkItemAdmin(ClientRowsAdmin):
    list_display = ("title", "what", "client", "due", "age", "held_by")
    list_filter = FILTERS
    list_select_related = ("client", "assignee", "proposed_by", "escalated_by")
    search_fields = ("=subject_id", "=client__id")
    list_per_page = 50
    actions = (
        *("take_selected", "release_selected", "give_selected", "dispose_selected"),
        "export_selected",
    )
    action_form = WorkActionForm
    change_list_template = "admin/compliance/workitem/change_list.html"

    def get_urls(self) -> list[URLPattern]:
        def named(route: str, view: Callable[..., HttpResponseBase], name: str) -> URLPattern:
            guarded = self.admin_site.admin_view(require_POST(view))
            return path(route, guarded, name=f"compliance_workitem_{name}")

        return [
            named("next/", self.next_view, "next"),
            named("pages/<uuid:page_id>/take/", self.take_view, "take"),
            named("pages/<uuid:page_id>/lock/", self.lock_view, "lock"),
            named("pages/<uuid:page_id>/escalate/", self.escalate_view, "escalate"),
            named("pages/<uuid:page_id>/release/", self.release_view, "release"),
            named("false-positives/", self.dispose_view, "false_positives"),
            named("views/", self.save_view, "save_view"),
            named("views/<uuid:view_id>/remove/", self.remove_view, "remove_view"),
            *super().get_urls(),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[WorkItem]:
        rows: QuerySet[WorkItem] = super().get_queryset(request)
        return with_lock(rows)

    def has_take_permission(self, request: HttpRequest) -> bool:
        return actor_of(request).has_perm(TAKE)

    def has_dispose_permission(self, request: HttpRequest) -> bool:
        return actor_of(request).has_perm(DECIDE[WorkKind.HIT])

    def has_assign_permission(self, request: HttpRequest) -> bool:
        return actor_of(request).has_perm(ASSIGN)

    @admin.display(description="what", ordering="kind")
    def what(self, item: WorkItem) -> str:
        return item.summary or item.kind_words

    @admin.display(description="due", ordering="due_at")
    def due(self, item: WorkItem) -> str:
        now, style, words = timezone.now(), "", ""
        if item.closed_at is None and item.due_at < now:
            style, words = "desk-late", "late "
        elif item.closed_at is None and item.due_at < soon_at(now):
            style, words = "desk-soon", "soon "
        text = f"{words}{item.due_at:%Y-%m-%d %H:%M}"
        urgency = item.get_priority_display()
        return format_html('<span class="{}">{}</span><br>{}', style, text, urgency)

    @admin.display(description="age", ordering="opened_at")
    def age(self, item: WorkItem) -> str:
        return duration_words((item.closed_at or timezone.now()) - item.opened_at)

    @admin.display(description="whose", ordering="assignee")
    def held_by(self, item: WorkItem) -> str:
        """Tell who has it, who handed it up or proposed it, and where its page is open."""
        holder, until = getattr(item, "lock_holder", None), getattr(item, "lock_until", None)
        told = [
            ("", item.assignee),
            ("escalated by ", item.escalated_by if item.is_escalated else None),
            ("proposed by ", item.proposed_by),
            (f"open until {until:%H:%M} with " if until else "", holder),
        ]
        lines = [(words, who) for words, who in told if who]
        return format_html_join("", "<div>{}{}</div>", lines) or "nobody"

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the queue as it is now, with the officer's views of it."""
        actor = actor_of(request)
        services.work_items_sync()
        page = super().changelist_view(
            request,
            {
                **(extra_context or {}),
                "saved_views": saved_views(actor),
                "query": views.view_query(request.GET.urlencode()),
                "may_take": self.has_take_permission(request),
                "may_share": self.has_assign_permission(request),
                "four_eyes": WaitsFilter.parameter_name + "=second",
                "is_history": request.GET.get(StateFilter.parameter_name) == "decided",
            },
        )
        form = getattr(page, "context_data", {}).get("action_form")
        if form is not None and not self.has_assign_permission(request):
            del form.fields["officer"]
        return page

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Go to the page on which the item is decided."""
        if request.method != "GET" or not self.has_view_permission(request):
            raise PermissionDenied
        try:
            item = self.get_queryset(request).filter(pk=UUID(object_id)).first()
        except ValueError as error:
            raise Http404 from error
        if item is None:
            raise Http404
        return HttpResponseRedirect(page_of(item))

    @admin.action(description="Take the selected", permissions=["take"])
    def take_selected(self, request: HttpRequest, queryset: QuerySet[WorkItem]) -> None:
        self._give_each(request, queryset, actor_of(request).pk)

    @admin.action(description="Let go of the selected", permissions=["take"])
    def release_selected(self, request: HttpRequest, queryset: QuerySet[WorkItem]) -> None:
        self._give_each(request, queryset, None)

    @admin.action(description="Give the selected to the officer", permissions=["assign"])
    def give_selected(self, request: HttpRequest, queryset: QuerySet[WorkItem]) -> None:
        chosen = request.POST.get("officer", "")
        officer = next((one for one in officers() if str(one.pk) == chosen), None)
        if officer is None:
            self.message_user(request, "Say to whom.", messages.ERROR)
        else:
            self._give_each(request, queryset, officer.pk)

    @admin.action(description="Decide weak hits as false positives", permissions=["dispose"])
    def dispose_selected(
        self, request: HttpRequest, queryset: QuerySet[WorkItem]
    ) -> HttpResponse | None:
        return work_bulk.ask_page(request, self.admin_site, list(queryset[:BULK_ROWS]))

    def dispose_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_dispose_permission(request):
            raise PermissionDenied
        return work_bulk.decide(request)

    @admin.action(description="Export the selected (CSV)")
    def export_selected(
        self, request: HttpRequest, queryset: QuerySet[WorkItem]
    ) -> HttpResponseBase:
        rows = export_rows(queryset)
        query = views.view_query(request.GET.urlencode())
        services.work_export_record(actor=actor_of(request), query=query, count=rows.count())
        return csv_stream("work.csv", EXPORT_HEADER, rows.iterator(chunk_size=500))

    def _give_each(
        self, request: HttpRequest, queryset: QuerySet[WorkItem], assignee_id: UUID | None
    ) -> None:
        """One command a row, so that one refusal stops no other; say what was refused."""
        actor, done = actor_of(request), 0
        for item in queryset:
            try:
                services.work_item_assign(actor=actor, item_id=item.id, assignee_id=assignee_id)
                done += 1
            except DomainError as error:
                self.message_user(request, f"{item}: {error.message}", messages.ERROR)
        if done:
            self.message_user(request, f"{done} done.", messages.SUCCESS)

    def next_view(self, request: HttpRequest) -> HttpResponse:
        """Give the officer the most urgent work that nobody has, and open it."""
        actor = actor_of(request)
        if not actor.has_perm(TAKE):
            raise PermissionDenied
        item = services.work_next(actor=actor)
        if item is None:
            self.message_user(request, "Nothing is unassigned.", messages.INFO)
            return HttpResponseRedirect(reverse(LIST))
        return HttpResponseRedirect(page_of(item))

    def take_view(self, request: HttpRequest, page_id: UUID) -> HttpResponse:
        actor = actor_of(request)

        def take() -> str:
            taken = services.work_page_take(actor=actor, page_id=page_id)
            return "It is yours." if taken else "There is nothing to take."

        return self._run(request, take)

    def escalate_view(self, request: HttpRequest, page_id: UUID) -> HttpResponse:
        actor, reason = actor_of(request), request.POST.get("reason", "")

        def escalate() -> str:
            work_page_escalate(actor=actor, page_id=page_id, reason=reason)
            return "It is the supervisors' now."

        return self._run(request, escalate)

    def lock_view(self, request: HttpRequest, page_id: UUID) -> HttpResponse:
        """Prolong the officer's hold of an open page; 409 when another has it now."""
        actor = actor_of(request)
        try:
            lock = work_lock_take(actor=actor, page_id=page_id)
        except NotPermitted as error:
            raise PermissionDenied from error
        told = {"holder": str(lock.officer), "until": f"{lock.until:%H:%M}"}
        return JsonResponse(told, status=200 if lock.officer_id == actor.pk else 409)

    def release_view(self, request: HttpRequest, page_id: UUID) -> HttpResponse:
        actor = actor_of(request)
        if not actor.has_perm(TAKE):
            raise PermissionDenied
        work_lock_release(actor=actor, page_id=page_id)
        return HttpResponseRedirect(reverse(LIST))

    def save_view(self, request: HttpRequest) -> HttpResponse:
        form = request.POST

        def save() -> str:
            views.view_save(
                actor=actor_of(request),
                name=form.get("name", ""),
                query=form.get("query", ""),
                is_shared=form.get("shared") == "yes",
            )
            return "The view is saved."

        return self._run(request, save)

    def remove_view(self, request: HttpRequest, view_id: UUID) -> HttpResponse:
        def remove() -> str:
            views.view_remove(actor=actor_of(request), view_id=view_id)
            return "The view is gone."

        return self._run(request, remove)

    def _run(self, request: HttpRequest, act: Callable[[], str]) -> HttpResponse:
        """Run a command, say what came of it, and go back to where the form stood."""
        if not actor_of(request).has_perm(TAKE):
            raise PermissionDenied
        try:
            self.message_user(request, act(), messages.SUCCESS)
        except DomainError as error:
            self.message_user(request, error.message, messages.ERROR)
        back = request.POST.get("back", "")
        return HttpResponseRedirect(safe_next(back) if back else reverse(LIST))


def page_of(item: WorkItem) -> str:
    """Return the address at which the item is decided."""
    address = reverse(PAGES[WorkKind(item.kind)], args=[item.page_id])
    return f"{address}#hit-{item.subject_id}" if item.kind == WorkKind.HIT else address
