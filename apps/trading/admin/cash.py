"""Portfolios and what moves between them and the bank: to be read, never written."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from apps.infrastructure.admin import ReadOnlyAdmin
from apps.trading.admin.taxes import TaxPages
from apps.trading.models import CashTransfer, Conversion, Portfolio, PortfolioTransfer
from apps.trading.selectors.reconciliation import books_read


@admin.register(Portfolio)
class PortfolioAdmin(TaxPages):
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
    change_list_template = "admin/trading/transfers.html"
    list_display = ("created_at", "kind", "amount", "currency", "status", "is_held", "portfolio_id")
    list_filter = ("kind", "status", "is_held")
    exclude = ("party",)
    readonly_fields = ("counterparty",)
    search_fields = ("=id", "=portfolio__id", "=counterparty_reference")
    date_hierarchy = "created_at"
    ordering = ("-created_at", "-id")

    @admin.display(description="other side")
    def counterparty(self, transfer: CashTransfer) -> str:
        party = transfer.other_side
        return ", ".join(filter(None, (party.name, party.masked_account, party.country)))

    def get_urls(self) -> list[URLPattern]:
        page = self.admin_site.admin_view(self.reconciliation_view)
        own = path("reconciliation/", page, name="trading_reconciliation")
        return [own, *super().get_urls()]

    def reconciliation_view(self, request: HttpRequest) -> HttpResponseBase:
        """Show the ledger beside the bank; `ledger_reconcile` checks the positions too."""
        context = {
            **self.admin_site.each_context(request),
            "title": "Reconciliation",
            "opts": self.opts,
            "books": books_read(),
        }
        return TemplateResponse(request, "admin/trading/reconciliation.html", context)


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
