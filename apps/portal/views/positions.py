"""A position lot by lot, and the tax report of a year."""

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render

from apps.infrastructure.exports import csv_attachment
from apps.portal.selectors.portfolios import portfolio_needed
from apps.portal.selectors.positions import position_read
from apps.portal.views.access import client_page
from apps.trading.selectors.tax_reports import CSV_HEADER, tax_report, tax_years
from apps.users.actors import actor_of


@client_page()
def position(request: HttpRequest, symbol: str) -> HttpResponseBase:
    """Show lots, holding periods, gains and what issuers did, of the chosen portfolio."""
    user = actor_of(request)
    portfolio = portfolio_needed(user, request.session)
    context = {"portfolio": portfolio, "page": position_read(user, portfolio, symbol)}
    return render(request, "portal/position.html", context)


@client_page()
def taxes(request: HttpRequest) -> HttpResponseBase:
    return redirect("portal:tax_year", year=tax_years()[0])


@client_page()
def tax_year(request: HttpRequest, year: int) -> HttpResponseBase:
    """Show what was sold in the year over all portfolios, with terms and wash sales."""
    report = tax_report(actor_of(request).pk, year)
    return render(request, "portal/taxes.html", {"report": report, "years": tax_years()})


@client_page()
def tax_file(request: HttpRequest, year: int) -> HttpResponseBase:
    report = tax_report(actor_of(request).pk, year)
    rows = (row.cells for row in report.rows)
    return csv_attachment(f"tax-lots-{year}.csv", CSV_HEADER, rows)
