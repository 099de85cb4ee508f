"""Orders with their fills, changing and cancelling them, and positions with their lots."""

from uuid import UUID, uuid4

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render

from apps.core.errors import Conflict, DomainError
from apps.infrastructure.api.problems import domain_status
from apps.portal.forms.tokens import seal, unseal
from apps.portal.forms.trading import ReplaceForm
from apps.portal.selectors.orders import changeable_terms, order_read, position_views
from apps.portal.selectors.portfolios import (
    portfolio_choices,
    portfolio_chosen,
    portfolio_needed,
)
from apps.portal.views.access import client_page
from apps.trading.selectors.orders import order_get, order_list, trade_list
from apps.trading.services.orders import order_cancel, order_cancel_all
from apps.trading.services.replacements import order_replace
from apps.users.actors import actor_of

PURPOSE = "replacement"
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
        "can_cancel_all": portfolio is not None
        and order_list(user, only_open=True).filter(portfolio_id=portfolio.id).exists(),
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


@client_page("POST")
def cancel_all(request: HttpRequest) -> HttpResponseBase:
    """Ask for every open order of the chosen portfolio to be canceled."""
    user = actor_of(request)
    portfolio = portfolio_needed(user, request.session)
    asked = order_cancel_all(actor=user, portfolio_id=portfolio.id)
    messages.success(request, f"Asked to cancel: {len(asked)}. A fill on its way still counts.")
    return redirect("portal:orders")


@client_page("GET", "HEAD", "POST")
def replace(request: HttpRequest, order_id: UUID) -> HttpResponseBase:
    """Show what may change of an order, and ask for it once, however often this is sent."""
    user = actor_of(request)
    order = order_get(user, order_id)
    status = 200
    key = seal(PURPOSE, user.pk, [order.version, f"portal-{uuid4().hex}"])
    if request.method == "POST":
        form = ReplaceForm(request.POST, changeable=changeable_terms(order))
        status = 400
        if form.is_valid():
            try:
                version, name = unseal(PURPOSE, user.pk, form.cleaned_data["key"])
                order_replace(
                    actor=user,
                    order_id=order_id,
                    client_order_id=name,
                    version=version,
                    **form.terms(),
                )
            except DomainError as error:
                form.refuse(error.message, error.facts.get("field"))
                status = domain_status(error)
            else:
                messages.success(request, "The venue was asked to change the order.")
                return redirect("portal:order", order_id=order_id)
        # The attempt changed nothing, and the page shows the order as it is now.
        form.data = {**request.POST.dict(), "key": key}
    else:
        terms = changeable_terms(order)
        form = ReplaceForm(initial={**terms, "key": key}, changeable=terms)
    context = {"order": order, "form": form}
    return render(request, "portal/replace.html", context, status=status)
