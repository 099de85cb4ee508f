"""Portfolios and cash transfers on the desk: to be read, never written."""

from django.contrib import admin

from apps.infrastructure.admin import ReadOnlyAdmin
from apps.trading.models import CashTransfer, Portfolio


@admin.register(Portfolio)
class PortfolioAdmin(ReadOnlyAdmin):
    list_display = ("name", "client_id", "currency", "mode", "created_at")
    list_filter = ("mode", "currency")
    search_fields = ("=id", "=client__id")
    ordering = ("-created_at", "-id")


@admin.register(CashTransfer)
class CashTransferAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "kind", "amount", "currency", "status", "portfolio_id")
    list_filter = ("kind", "status")
    search_fields = ("=id", "=portfolio__id", "=counterparty_reference")
    date_hierarchy = "created_at"
    ordering = ("-created_at", "-id")
