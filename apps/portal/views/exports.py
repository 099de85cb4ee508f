"""What the chosen portfolio has and did, as CSV files to keep."""

from django.http import Http404, HttpRequest, HttpResponseBase

from apps.infrastructure.exports import csv_stream
from apps.portal.selectors.portfolios import portfolio_needed
from apps.portal.views.access import client_page
from apps.trading.selectors.exports import EXPORTS
from apps.users.actors import actor_of


@client_page()
def export(request: HttpRequest, what: str) -> HttpResponseBase:
    found = EXPORTS.get(what)
    if found is None:
        raise Http404("There is no such export.")
    portfolio = portfolio_needed(actor_of(request), request.session)
    header, rows = found
    return csv_stream(f"{what}.csv", header, rows(portfolio.id))
