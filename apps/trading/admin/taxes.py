"""The tax report of a client on the desk: what the client's own page and file show."""

from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html_join

from apps.core.errors import NotFound
from apps.infrastructure.admin import ReadOnlyAdmin
from apps.infrastructure.exports import csv_attachment
from apps.trading.models import Portfolio
from apps.trading.selectors.tax_reports import CSV_HEADER, TaxReport, tax_report, tax_years

VIEW = "trading.view_taxreport"


class TaxPages(ReadOnlyAdmin):
    """What a page of portfolios adds: links to the reports of whose portfolio it is."""

    def get_readonly_fields(self, request: HttpRequest, obj: Portfolio | None = None) -> list[str]:
        return ["tax_reports"] if request.user.has_perm(VIEW) else []

    @admin.display(description="Tax reports of the client")
    def tax_reports(self, portfolio: Portfolio) -> str:
        links = (
            (reverse("admin:trading_taxreport", args=[portfolio.client_id, year]), year)
            for year in tax_years()
        )
        return format_html_join(" ", '<a href="{}">{}</a>', links)

    def get_urls(self) -> list[URLPattern]:
        report = "clients/<uuid:client_id>/taxes/<int:year>/"
        page = self.admin_site.admin_view(self.tax_view)
        file = self.admin_site.admin_view(self.tax_file_view)
        return [
            path(report, page, name="trading_taxreport"),
            path(f"{report}file/", file, name="trading_taxreport_file"),
            *super().get_urls(),
        ]

    def tax_view(self, request: HttpRequest, client_id: UUID, year: int) -> HttpResponseBase:
        """Show what the client sold in the year, over all portfolios."""
        context = {
            **self.admin_site.each_context(request),
            "title": f"Tax report {year}",
            "opts": self.opts,
            "client_id": client_id,
            "report": _report(request, client_id, year),
            "years": tax_years(),
        }
        return TemplateResponse(request, "admin/trading/portfolio/taxes.html", context)

    def tax_file_view(self, request: HttpRequest, client_id: UUID, year: int) -> HttpResponseBase:
        """Send the report as the client can keep it."""
        rows = (row.cells for row in _report(request, client_id, year).rows)
        return csv_attachment(f"tax-lots-{client_id}-{year}.csv", CSV_HEADER, rows)


def _report(request: HttpRequest, client_id: UUID, year: int) -> TaxReport:
    if not request.user.has_perm(VIEW):
        raise PermissionDenied
    if not Portfolio.objects.filter(client_id=client_id).exists():
        raise Http404
    try:
        return tax_report(client_id, year)
    except NotFound as error:
        raise Http404 from error
