"""Orders, trades and lots on the desk: to be read, explained, and canceled, never edited."""

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from apps.core.errors import DomainError
from apps.infrastructure.admin import ReadOnlyAdmin
from apps.trading.models import Execution, Lot, LotConsumption, Order
from apps.trading.selectors.explanations import order_explain
from apps.trading.services.firm_cancels import PERMISSION as CANCEL
from apps.trading.services.firm_cancels import order_cancel_by_firm
from apps.trading.services.firm_switch import REASON_LENGTH
from apps.users.actors import actor_of
from apps.users.step_up import step_up_page


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
    search_fields = (
        *("=id", "=client_order_id", "=symbol", "=portfolio__id", "=client__id"),
        "=replacements__client_order_id",
    )
    list_select_related = ("portfolio",)
    date_hierarchy = "created_at"
    ordering = ("-created_at", "-id")
    actions = None

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Explain the order on one page; a POST asks for it to be canceled."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        order = self._order(object_id)
        if request.method == "POST":
            return step_up_page(request) or self._cancel(request, order)
        may_cancel = request.user.has_perm(CANCEL) and not order.is_closed
        context = {
            **self.admin_site.each_context(request),
            "title": str(order),
            "opts": self.opts,
            "order": order,
            "explained": order_explain(order),
            "may_cancel": may_cancel and order.status != "PENDING_CANCEL",
            "reason_length": REASON_LENGTH,
        }
        return TemplateResponse(request, "admin/trading/order/explain.html", context)

    def _order(self, object_id: str) -> Order:
        try:
            orders = Order.objects.select_related("portfolio", "parent")
            order = orders.filter(id=UUID(object_id)).first()
        except ValueError as error:
            raise Http404 from error
        if order is None:
            raise Http404
        return order

    def _cancel(self, request: HttpRequest, order: Order) -> HttpResponse:
        if request.POST.get("command") != "cancel":
            raise Http404
        try:
            order_cancel_by_firm(
                actor=actor_of(request), order_id=order.id, reason=request.POST.get("reason", "")
            )
        except DomainError as error:
            self.message_user(request, error.message, messages.ERROR)
        else:
            said = "The venue is asked to cancel; the client is told once it has."
            self.message_user(request, said, messages.SUCCESS)
        return redirect("admin:trading_order_change", order.id)


@admin.register(Execution)
class ExecutionAdmin(ReadOnlyAdmin):
    list_display = ("executed_at", "symbol", "side", "quantity", "price", "fees", "profit", "venue")
    list_filter = ("side", "venue")
    search_fields = (
        *("=id", "=venue_execution_id", "=symbol", "=portfolio__id", "=order__id"),
        "=order__client_order_id",
    )
    date_hierarchy = "executed_at"
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
