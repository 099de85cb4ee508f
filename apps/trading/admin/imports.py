"""Lots that clients bring from other brokers: on live portfolios operations say that they came."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from apps.core.errors import DomainError
from apps.infrastructure.admin import ReadOnly, ReadOnlyAdmin, reason_form
from apps.trading.domain.limits import REASON_LENGTH
from apps.trading.models import ImportedLot, PositionImport
from apps.trading.services import imports as services
from apps.users.actors import actor_of
from apps.users.step_up import step_up_page


class ImportedLotInline(ReadOnly, admin.TabularInline[ImportedLot, PositionImport]):
    model = ImportedLot
    fields = ("line", "symbol", "quantity", "acquired_on", "cost", "currency")
    extra = 0

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever may see an import may see its rows."""
        return request.user.has_perm("trading.view_positionimport")


@admin.register(PositionImport)
class PositionImportAdmin(ReadOnlyAdmin):
    list_display = (
        *("created_at", "status", "mode", "lots_count", "value", "portfolio_id"),
        *("decided_by", "decided_at", "reason"),
    )
    list_filter = ("status",)
    list_select_related = ("portfolio", "decided_by")
    search_fields = ("=id", "=portfolio__id", "=entry_id")
    date_hierarchy = "created_at"
    ordering = ("-created_at", "-id")
    inlines = (ImportedLotInline,)
    action_form = reason_form(REASON_LENGTH)
    actions = ("confirm", "decline")

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(services.PERMISSION)

    @admin.display(ordering="portfolio__mode")
    def mode(self, batch: PositionImport) -> str:
        return batch.portfolio.mode

    def _decide(
        self, request: HttpRequest, rows: QuerySet[PositionImport], decide: Callable[..., Any]
    ) -> HttpResponseBase | None:
        """Call the command on each; one refusal does not stop the others."""
        if page := step_up_page(request):
            return page
        for import_id in rows.values_list("id", flat=True):
            try:
                decide(actor=actor_of(request), import_id=import_id)
            except DomainError as error:
                self.message_user(request, f"{import_id}: {error.message}", messages.ERROR)
            else:
                self.message_user(request, f"{import_id}: done.", messages.SUCCESS)
        return None

    @admin.action(description="Confirm: the units have arrived", permissions=["decide"])
    def confirm(
        self, request: HttpRequest, queryset: QuerySet[PositionImport]
    ) -> HttpResponseBase | None:
        return self._decide(request, queryset, services.import_confirm)

    @admin.action(description="Decline, with a reason", permissions=["decide"])
    def decline(
        self, request: HttpRequest, queryset: QuerySet[PositionImport]
    ) -> HttpResponseBase | None:
        reason = request.POST.get("reason", "")
        return self._decide(request, queryset, partial(services.import_decline, reason=reason))
