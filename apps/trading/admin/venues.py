"""The live venue on the desk: what waits to be sent, what it reported, and where we differ."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.core.errors import DomainError
from apps.infrastructure.admin import ReadOnlyAdmin, reason_form
from apps.trading.models import VenueAccount, VenueDifference, VenueFill, VenueInstruction
from apps.trading.models.venue import REASON_LENGTH
from apps.trading.selectors.venues import stream_finding
from apps.trading.services.reconciliation import PERMISSION, difference_explain
from apps.users.actors import actor_of


@admin.register(VenueAccount)
class VenueAccountAdmin(ReadOnlyAdmin):
    list_display = (
        "venue",
        "environment",
        "account_id",
        "listening",
        "heard_at",
        "paused_until",
        "reconciled_at",
    )

    @admin.display(description="Stream")
    def listening(self, account: VenueAccount) -> str:
        finding = stream_finding(account.heard_at)
        return f"{finding.status}: {finding.detail}" if finding.detail else finding.status


@admin.register(VenueInstruction)
class VenueInstructionAdmin(ReadOnlyAdmin):
    list_display = (
        "created_at",
        "kind",
        "order",
        "status",
        "attempts",
        "error_code",
        "next_attempt_at",
    )
    list_filter = ("status", "kind")
    search_fields = ("=id", "=order__id", "=client_order_id", "=venue_order_id")
    list_select_related = ("order",)
    ordering = ("-created_at", "-id")


@admin.register(VenueFill)
class VenueFillAdmin(ReadOnlyAdmin):
    list_display = ("executed_at", "symbol", "side", "quantity", "price", "problem", "execution")
    list_filter = ("problem", "side")
    search_fields = ("=venue_execution_id", "=venue_order_id", "=symbol")
    list_select_related = ("execution",)
    ordering = ("-executed_at", "-id")


@admin.register(VenueDifference)
class VenueDifferenceAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "kind", "asset", "ours", "theirs", "difference", "status")
    list_filter = ("status", "kind")
    search_fields = ("=asset",)
    ordering = ("-created_at", "-id")
    action_form = reason_form(REASON_LENGTH)
    actions = ("explain",)

    def has_explain_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(PERMISSION)

    @admin.action(description="Explain: nothing is edited", permissions=["explain"])
    def explain(self, request: HttpRequest, queryset: QuerySet[VenueDifference]) -> None:
        reason = request.POST.get("reason", "")
        for row in queryset:
            try:
                difference_explain(actor=actor_of(request), difference_id=row.id, reason=reason)
            except DomainError as error:
                self.message_user(request, f"{row}: {error.message}", messages.ERROR)
            else:
                self.message_user(request, f"{row} is explained.", messages.SUCCESS)
