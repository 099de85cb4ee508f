"""Orders with their fills, cancelling, and positions with their lots."""

from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render

from apps.core.errors import Conflict
from apps.infrastructure.api.problems import domain_status
from apps.portal.selectors.orders import order_read, position_views
from apps.portal.selectors.portfolios import portfolio_choices, portfolio_chosen
from apps.portal.views.access import client_page
from apps.trading.selectors.orders import order_list, trade_list
from apps.trading.services.orders import order_cancel
from apps.users.actors import actor_of

PAGE_SIZE = 25
RECENT_FILLS = 25


@client_page()
def orders(request: HttpRequest) -> HttpResponseBase:
    """Show open orders, positions, history and fills."""
    user = actor_of(request)
    portfolio = portfolio_chosen(portfolio_choices(user), request.session)
    history = order_list(user).exclude(closed_at=None)
    page = Paginator(history, PAGE_SIZE).get_page(request.GET.get("page", "1")[:6])
    context = {
        "portfolio": portfolio,
        "open_orders": order_list(user, only_open=True),
        "positions": position_views(portfolio.id) if portfolio else [],
        "history": page,
        "fills": trade_list(user)[:RECENT_FILLS],
    }
    return render(request, "portal/orders.html", context)


@client_page()
def order(request: HttpRequest, order_id: UUID) -> HttpResponseBase:
    return render(request, "portal/order.html", order_read(actor_of(request), order_id))


@client_page("POST")
def cancel(request: HttpRequest, order_id: UUID) -> HttpResponseBase:
    user = actor_of(request)
    try:
        order_cancel(actor=user, order_id=order_id)
    except Conflict as error:
        messages.error(request, error.message)
        context = order_read(user, order_id)
        return render(request, "portal/order.html", context, status=domain_status(error))
    messages.success(request, "The venue was asked to cancel. A fill on its way still counts.")
    return redirect("portal:order", order_id=order_id)
