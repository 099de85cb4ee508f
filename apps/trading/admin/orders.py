"""Orders, trades and lots on the desk, read-only; the firm's switch is turned by a command."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.core.errors import DomainError
from apps.infrastructure.admin import ReadOnlyAdmin, reason_form
from apps.trading.domain.risk import FirmState
from apps.trading.models import Execution, FirmSwitch, Lot, LotConsumption, Order
from apps.trading.services.firm_switch import PERMISSION, REASON_LENGTH, firm_switch_turn
from apps.users.actors import actor_of


@admin.register(Order)
class OrderAdmin(ReadOnlyAdmin):
    list_display = (
        "created_at",
        "symbol",
        "side",
        "order_type",
        "quantity",
        "filled_quantity",
        "average_price",
        "status",
        "portfolio",
    )
    list_filter = ("status", "side", "order_type", "time_in_force", "mode")
    search_fields = ("=id", "=client_order_id", "=symbol", "=portfolio__id")
    list_select_related = ("portfolio",)
    ordering = ("-created_at", "-id")


@admin.register(Execution)
class ExecutionAdmin(ReadOnlyAdmin):
    list_display = ("executed_at", "symbol", "side", "quantity", "price", "fees", "profit", "venue")
    list_filter = ("side", "venue")
    search_fields = ("=id", "=venue_execution_id", "=symbol", "=portfolio__id", "=order__id")
    ordering = ("-created_at", "-id")


@admin.register(Lot)
class LotAdmin(ReadOnlyAdmin):
    list_display = (
        *("acquired_at", "symbol", "origin", "remaining_quantity", "remaining_cost", "fx_rate"),
        "portfolio",
    )
    list_filter = ("origin",)
    search_fields = ("=id", "=symbol", "=portfolio__id")
    list_select_related = ("portfolio",)
    ordering = ("-acquired_at", "-id")


@admin.register(LotConsumption)
class LotConsumptionAdmin(ReadOnlyAdmin):
    list_display = ("consumed_at", "lot", "cause", "method", "quantity", "cost", "proceeds")
    list_filter = ("cause", "method")
    search_fields = ("=lot__id", "=lot__symbol", "=lot__portfolio__id", "=execution__id")
    list_select_related = ("lot",)
    ordering = ("-id",)


@admin.register(FirmSwitch)
class FirmSwitchAdmin(ReadOnlyAdmin):
    list_display = ("state", "reason", "updated_at")
    action_form = reason_form(REASON_LENGTH)
    actions = ("activate", "reduce", "halt")

    def has_turn_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(PERMISSION)

    def _turn(self, request: HttpRequest, state: FirmState) -> None:
        reason = request.POST.get("reason", "")
        try:
            firm_switch_turn(actor=actor_of(request), state=state, reason=reason)
        except DomainError as error:
            self.message_user(request, error.message, messages.ERROR)
        else:
            self.message_user(request, f"The firm is {state.value} now.", messages.SUCCESS)

    @admin.action(description="Take all orders (ACTIVE)", permissions=["turn"])
    def activate(self, request: HttpRequest, queryset: QuerySet[FirmSwitch]) -> None:
        self._turn(request, FirmState.ACTIVE)

    @admin.action(description="Take sales only (REDUCING)", permissions=["turn"])
    def reduce(self, request: HttpRequest, queryset: QuerySet[FirmSwitch]) -> None:
        self._turn(request, FirmState.REDUCING)

    @admin.action(description="Take no orders (HALTED)", permissions=["turn"])
    def halt(self, request: HttpRequest, queryset: QuerySet[FirmSwitch]) -> None:
        self._turn(request, FirmState.HALTED)
