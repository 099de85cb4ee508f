"""Batches of orders, plans and their runs on the desk: to be read, never written."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from apps.infrastructure.admin import ReadOnly, ReadOnlyAdmin
from apps.trading.models import BatchLine, InvestmentPlan, OrderBatch, PlanRun


class LineInline(ReadOnly, admin.TabularInline[BatchLine, OrderBatch]):
    model = BatchLine
    fields = ("position", "symbol", "side", "quantity", "notional", "status", "code", "order_id")
    readonly_fields = ("order_id",)
    ordering = ("position",)
    extra = 0

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever may see a batch may see its orders."""
        return request.user.has_perm("trading.view_orderbatch")


@admin.register(OrderBatch)
class OrderBatchAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "kind", "status", "portfolio_id", "confirmed_at")
    list_filter = ("kind", "status")
    search_fields = ("=id", "=portfolio__id")
    ordering = ("-created_at", "-id")
    inlines = (LineInline,)


@admin.register(InvestmentPlan)
class InvestmentPlanAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "status", "amount", "frequency", "day", "next_due_date")
    list_filter = ("status", "frequency")
    search_fields = ("=id", "=portfolio__id")
    ordering = ("-created_at", "-id")


@admin.register(PlanRun)
class PlanRunAdmin(ReadOnlyAdmin):
    list_display = ("due_date", "run_at", "status", "code", "plan_id")
    list_filter = ("status",)
    search_fields = ("=id", "=plan__id", "=plan__portfolio__id")
    ordering = ("-run_at", "-id")
