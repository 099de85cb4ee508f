"""Lists on the desk: versions and what they changed, imports and their progress, sources."""

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.compliance.domain.wording import plain
from apps.compliance.forms import SourceForm
from apps.compliance.models import (
    OperationsAlert,
    WatchlistImport,
    WatchlistSource,
    WatchlistVersion,
)
from apps.compliance.selectors.watchlists import import_progress, version_diff, version_uids
from apps.compliance.services import watchlist_overrides, watchlist_sources
from apps.compliance.services.operations_alerts import ACKNOWLEDGE, operations_alert_acknowledge
from apps.compliance.services.work_items import page_opened
from apps.core.errors import DomainError
from apps.infrastructure.admin import ReadOnlyAdmin
from apps.users.actors import actor_of
from apps.users.step_up import step_up_page, step_up_required

ENTRIES_A_PAGE = 25


def object_or_404(queryset: "QuerySet[Any]", object_id: str) -> Any:
    """Return the row; raise Http404 for any text that names none."""
    try:
        found = queryset.filter(pk=UUID(object_id)).first()
    except ValueError as error:
        raise Http404 from error
    if found is None:
        raise Http404
    return found


@admin.register(WatchlistVersion)
class WatchlistVersionAdmin(ReadOnlyAdmin):
    list_display = (
        *("list_code", "version", "shown_format", "entity_count", "name_count", "added_count"),
        *("changed_count", "removed_count", "created_at"),
    )
    list_filter = ("list_code",)

    @admin.display(description="format", ordering="format")
    def shown_format(self, version: WatchlistVersion) -> str:
        return plain(version.format)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show what the version changed, entry by entry, before and after."""
        version = object_or_404(self.get_queryset(request), object_id)
        uids = version_uids(version)
        page = Paginator(uids, ENTRIES_A_PAGE).get_page(request.GET.get("page"))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": str(version),
            "version": version,
            "page": page,
            "changes": version_diff(version, page.object_list),
        }
        template = "admin/compliance/watchlistversion/changes.html"
        return TemplateResponse(request, template, context)


@admin.register(WatchlistImport)
class WatchlistImportAdmin(ReadOnlyAdmin):
    list_display = (
        *("list_code", "status", "progress", "shown_format", "told", "version", "started_by"),
        *("created_at", "ended_at"),
    )
    list_filter = ("status", "list_code")
    list_select_related = ("version", "started_by")

    @admin.display(description="format", ordering="format")
    def shown_format(self, attempt: WatchlistImport) -> str:
        return plain(attempt.format) if attempt.format else "-"

    @admin.display(description="read")
    def progress(self, attempt: WatchlistImport) -> SafeString | str:
        if attempt.status != WatchlistImport.Status.RUNNING:
            return "-"
        percent = import_progress(attempt.id)
        if percent is None:
            return "no news"
        return format_html(
            '<meter min="0" max="100" value="{0}" aria-label="{0} percent read">{0}</meter> {0} %',
            percent,
        )

    @admin.display(description="message")
    def told(self, attempt: WatchlistImport) -> str:
        return attempt.message or "-"

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show one attempt; a list that shrank is let in here by two people."""
        attempt = object_or_404(self.get_queryset(request), object_id)
        if request.method == "POST":
            return self._post(request, attempt)  # type: ignore[return-value]
        actor = actor_of(request)
        is_possible = attempt.code in watchlist_overrides.POSSIBLE
        is_open = is_possible and attempt.override_confirmed_by_id is None
        is_proposer = attempt.override_proposed_by_id == actor.pk
        may = is_open and actor.has_perm(watchlist_sources.PROPOSE)
        work = page_opened(actor, attempt.id, is_open=may and not is_proposer)
        may = may and not work["barred"]
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": f"Import of {attempt}",
            **work,
            "attempt": attempt,
            "progress": import_progress(attempt.id),
            "is_possible": is_possible,
            "may_propose": may and attempt.override_proposed_by_id is None,
            "may_confirm": may and attempt.override_proposed_by_id is not None and not is_proposer,
        }
        template = "admin/compliance/watchlistimport/attempt.html"
        return TemplateResponse(request, template, context)

    def _post(self, request: HttpRequest, attempt: WatchlistImport) -> HttpResponseBase:
        if (asked := step_up_page(request)) is not None:
            return asked
        actor = actor_of(request)
        try:
            if request.POST.get("command") == "confirm":
                watchlist_overrides.override_confirm(actor=actor, import_id=attempt.id)
                said = "The file may come in: offer it again, or wait for the next fetch."
            else:
                watchlist_overrides.override_propose(
                    actor=actor, import_id=attempt.id, reason=request.POST.get("reason", "")
                )
                said = "Proposed: another person must confirm."
        except DomainError as error:
            self.message_user(request, error.message, messages.ERROR)
        else:
            self.message_user(request, said, messages.SUCCESS)
        address = reverse("admin:compliance_watchlistimport_change", args=[attempt.id])
        return HttpResponseRedirect(address)


@admin.register(WatchlistSource)
class WatchlistSourceAdmin(ReadOnlyAdmin):
    list_display = (
        *("list_code", "url", "interval_hours", "is_active", "outcome", "checked_at"),
        *("changed_by", "activated_by"),
    )
    list_select_related = ("changed_by", "activated_by")
    actions = ("activate", "deactivate")

    def has_propose_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(watchlist_sources.PROPOSE)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(step_up_required(self.edit_view))
        return [path("edit/", view, name="compliance_watchlistsource_edit"), *super().get_urls()]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Go to the form, which is one for new and known sources; others only read."""
        if not self.has_propose_permission(request):
            return super().change_view(request, object_id, form_url, extra_context)
        source = object_or_404(self.get_queryset(request), object_id)
        return redirect(f"{reverse('admin:compliance_watchlistsource_edit')}?list={source}")

    def edit_view(self, request: HttpRequest) -> HttpResponse:
        """Write down where a list comes from; it is off until another person turns it on."""
        known = WatchlistSource.objects.filter(list_code=request.GET.get("list", "")[:30]).first()
        initial = {name: getattr(known, name) for name in SourceForm.base_fields} if known else {}
        form = SourceForm(request.POST or None, initial=initial)
        if request.method == "POST" and form.is_valid():
            try:
                watchlist_sources.source_save(actor=actor_of(request), **form.cleaned_data)
            except DomainError as error:
                form.add_error(None, error.message)
            else:
                self.message_user(
                    request, "Kept, and off until another person turns it on.", messages.SUCCESS
                )
                return redirect("admin:compliance_watchlistsource_changelist")
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": f"Source of {known}" if known else "A new source",
            "form": form,
        }
        template = "admin/compliance/watchlistsource/edit.html"
        return TemplateResponse(request, template, context, status=400 if form.errors else 200)

    @admin.action(description="Turn the selected sources on", permissions=["propose"])
    def activate(
        self, request: HttpRequest, queryset: "QuerySet[WatchlistSource]"
    ) -> HttpResponse | None:
        if (page := step_up_page(request)) is not None:
            return page
        self._each(request, queryset, watchlist_sources.source_activate)
        return None

    @admin.action(description="Turn the selected sources off", permissions=["propose"])
    def deactivate(self, request: HttpRequest, queryset: "QuerySet[WatchlistSource]") -> None:
        self._each(request, queryset, watchlist_sources.source_deactivate)

    def _each(
        self, request: HttpRequest, queryset: "QuerySet[WatchlistSource]", command: Any
    ) -> None:
        for source in queryset:
            try:
                command(actor=actor_of(request), source_id=source.id)
            except DomainError as error:
                self.message_user(request, f"{source}: {error.message}", messages.ERROR)
            else:
                self.message_user(request, f"{source}: done, and on record.", messages.SUCCESS)


@admin.register(OperationsAlert)
class OperationsAlertAdmin(ReadOnlyAdmin):
    list_display = (
        *("__str__", "message", "occurrences", "created_at", "updated_at", "acknowledged_by"),
    )
    list_filter = (("acknowledged_at", admin.EmptyFieldListFilter), "kind")
    list_select_related = ("acknowledged_by",)
    list_display_links = None
    actions = ("acknowledge",)

    def has_acknowledge_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(ACKNOWLEDGE)

    @admin.action(description="Acknowledge the selected alerts", permissions=["acknowledge"])
    def acknowledge(self, request: HttpRequest, queryset: "QuerySet[OperationsAlert]") -> None:
        for alert in queryset:
            try:
                operations_alert_acknowledge(actor=actor_of(request), alert_id=alert.id)
            except DomainError as error:
                self.message_user(request, f"{alert}: {error.message}", messages.ERROR)
            else:
                self.message_user(request, f"{alert}: acknowledged.", messages.SUCCESS)
