"""Limits on the desk: what is in force, what waits for a second officer, and who decided."""

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone

from apps.core.errors import DomainError
from apps.infrastructure.admin import ReadOnlyAdmin
from apps.trading.domain.limits import UNITS, LimitKind
from apps.trading.forms import LimitForm
from apps.trading.models import TradingLimit
from apps.trading.selectors.limits import (
    limit_in_force,
    limit_newest,
    limit_versions,
    limits_in_force,
)
from apps.trading.services import limits as services
from apps.users.actors import actor_of
from apps.users.step_up import step_up_page

LIST = "admin:trading_tradinglimit_changelist"


class InForceFilter(admin.SimpleListFilter):
    """What binds orders now: of each limit the newest version whose period holds."""

    title = "in force"
    parameter_name = "in_force"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("now", "Now")]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[TradingLimit]
    ) -> QuerySet[TradingLimit]:
        if self.value() != "now":
            return queryset
        return queryset.filter(id__in=limits_in_force(timezone.now()))


@admin.register(TradingLimit)
class TradingLimitAdmin(ReadOnlyAdmin):
    list_display = (
        *("kind", "scope", "subject", "bound", "status", "effective_from", "effective_to"),
        *("owner", "proposed_by", "decided_by"),
    )
    list_filter = ("status", InForceFilter, "kind", "scope", "owner")
    list_select_related = ("proposed_by", "decided_by")
    search_fields = ("=id", "=client__id", "=portfolio__id")
    ordering = ("-created_at", "-id")
    actions = None

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.propose_view)
        return [path("propose/", view, name="trading_tradinglimit_propose"), *super().get_urls()]

    @admin.display(description="client or portfolio")
    def subject(self, limit: TradingLimit) -> str:
        return limit.subject_id or "every portfolio"

    @admin.display(description="value", ordering="value")
    def bound(self, limit: TradingLimit) -> str:
        return "lifted" if limit.value is None else f"{limit.value.normalize():f}"

    def propose_view(self, request: HttpRequest) -> HttpResponseBase:
        """Propose a limit; another officer decides on its page."""
        if not request.user.has_perm(services.PERMISSION):
            raise PermissionDenied
        if request.method == "POST" and (page := step_up_page(request)):
            return page
        form = LimitForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                limit = services.limit_propose(actor=actor_of(request), **form.terms())
            except DomainError as error:
                field = error.facts.get("field", "")
                form.add_error(field if field in form.fields else None, error.message)
            else:
                self.message_user(request, "Proposed: another officer decides.", messages.SUCCESS)
                return redirect("admin:trading_tradinglimit_change", limit.id)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Propose a limit",
            "form": form,
            "list_url": LIST,
        }
        status = 400 if form.errors else 200
        return TemplateResponse(request, "admin/trading/form.html", context, status=status)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show one version beside the one in force; a POST decides on a proposal."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        limit = self._limit(object_id)
        if request.method == "POST":
            return step_up_page(request) or self._post(request, limit)
        actor = actor_of(request)
        is_open = limit.status == TradingLimit.Status.PROPOSED
        may_decide = is_open and actor.has_perm(services.PERMISSION)
        context = {
            **self.admin_site.each_context(request),
            "title": str(limit),
            "opts": self.opts,
            "limit": limit,
            "unit": UNITS[LimitKind(limit.kind)].words,
            "now": limit_in_force(limit, timezone.now()),
            "is_stale": is_open and limit_newest(limit) != limit.based_on,
            "versions": limit_versions(limit),
            "may_confirm": may_decide and limit.proposed_by_id != actor.pk,
            "may_decline": may_decide,
        }
        return TemplateResponse(request, "admin/trading/tradinglimit/review.html", context)

    def _limit(self, object_id: str) -> TradingLimit:
        try:
            rows = TradingLimit.objects.select_related("proposed_by", "decided_by", "portfolio")
            limit = rows.filter(id=UUID(object_id)).first()
        except ValueError as error:
            raise Http404 from error
        if limit is None:
            raise Http404
        return limit

    def _post(self, request: HttpRequest, limit: TradingLimit) -> HttpResponse:
        commands = {"confirm": services.limit_confirm, "decline": services.limit_decline}
        command = commands.get(request.POST.get("command", ""))
        if command is None:
            raise Http404
        try:
            command(actor=actor_of(request), limit_id=limit.id)
        except DomainError as error:
            self.message_user(request, error.message, messages.ERROR)
        else:
            self.message_user(request, "Done, and on record.", messages.SUCCESS)
        return redirect("admin:trading_tradinglimit_change", limit.id)
