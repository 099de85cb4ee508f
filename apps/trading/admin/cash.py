"""Portfolios and what moves between them and the bank: to be read, never written."""

from django.contrib import admin

from apps.infrastructure.admin import ReadOnlyAdmin
from apps.trading.models import CashTransfer, Conversion, Portfolio, PortfolioTransfer


@admin.register(Portfolio)
class PortfolioAdmin(ReadOnlyAdmin):
    list_display = (
        "name",
        "client_id",
        "currency",
        "mode",
        "lot_method",
        "created_at",
        "closed_at",
    )
    list_filter = ("mode", "currency", "lot_method")
    search_fields = ("=id", "=client__id")
    ordering = ("-created_at", "-id")


@admin.register(CashTransfer)
class CashTransferAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "kind", "amount", "currency", "status", "portfolio_id")
    list_filter = ("kind", "status")
    search_fields = ("=id", "=portfolio__id", "=counterparty_reference")
    date_hierarchy = "created_at"
    ordering = ("-created_at", "-id")


@admin.register(PortfolioTransfer)
class PortfolioTransferAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "kind", "quantity", "asset", "source_id", "target_id")
    list_filter = ("kind",)
    search_fields = ("=id", "=source__id", "=target__id", "=client__id", "=asset")
    date_hierarchy = "created_at"
    ordering = ("-created_at", "-id")


@admin.register(Conversion)
class ConversionAdmin(ReadOnlyAdmin):
    list_display = (
        *("created_at", "sold_amount", "sold_currency", "bought_amount", "bought_currency"),
        *("rate", "reference_rate", "reference_date", "spread_bps", "portfolio_id"),
    )
    list_filter = ("sold_currency", "bought_currency")
    search_fields = ("=id", "=portfolio__id", "=entry_id")
    date_hierarchy = "created_at"
    ordering = ("-created_at", "-id")
