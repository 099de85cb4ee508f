"""What advisers read: their clients, and one portfolio of a client; every look is on record."""

from uuid import UUID

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render

from apps.analytics.selectors import performance_table, portfolio_summary
from apps.portal.selectors.activity import entry_views
from apps.portal.selectors.orders import position_views
from apps.portal.views.access import client_page
from apps.trading.selectors.orders import order_list, trade_list
from apps.trading.selectors.portfolios import portfolio_get, portfolio_list
from apps.users.actors import actor_of
from apps.users.selectors import client_get, client_list

PAGE_SIZE = 50
RECENT = 25


@client_page()
def clients(request: HttpRequest) -> HttpResponseBase:
    """List the clients whose accounts the reader may see."""
    user = actor_of(request)
    page = Paginator(client_list(user), PAGE_SIZE).get_page(request.GET.get("page", "1")[:6])
    return render(request, "portal/clients.html", {"page": page})


@client_page()
def client(request: HttpRequest, client_id: UUID) -> HttpResponseBase:
    """List the client's portfolios."""
    user = actor_of(request)
    found = client_get(user, client_id)
    portfolios = portfolio_list(user).filter(client=found)
    return render(request, "portal/client.html", {"client": found, "portfolios": portfolios})


@client_page()
def client_portfolio(request: HttpRequest, client_id: UUID, portfolio_id: UUID) -> HttpResponseBase:
    """Show value, performance, positions, orders, trades and entries of one portfolio."""
    user = actor_of(request)
    found = client_get(user, client_id)
    # An id of another client's portfolio in this address is no portfolio of this client.
    portfolio = portfolio_get(user, portfolio_id, client_id=found.pk)
    context = {
        "client": found,
        "portfolio": portfolio,
        "summary": portfolio_summary(user, portfolio.id),
        "performance": performance_table(user, portfolio.id),
        "positions": position_views(portfolio.id),
        "orders": order_list(user).filter(portfolio=portfolio)[:RECENT],
        "fills": trade_list(user).filter(portfolio=portfolio)[:RECENT],
        "entries": entry_views(portfolio.id, limit=RECENT),
    }
    return render(request, "portal/client_portfolio.html", context)
