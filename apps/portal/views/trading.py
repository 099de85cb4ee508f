"""The order ticket: search, live quote, checks, review, confirmation."""

from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render

from apps.core.errors import DomainError
from apps.infrastructure.api.problems import domain_status
from apps.portal.forms.fields import TYPED_LENGTH
from apps.portal.forms.tokens import ExpiredForm, seal, unseal
from apps.portal.forms.trading import SearchForm, TicketForm, pack, refill, unpack
from apps.portal.selectors.portfolios import PortfolioChoice, portfolio_needed
from apps.portal.selectors.tickets import instrument_search, ticket_read
from apps.portal.views.access import client_page
from apps.trading.services.orders import order_place, order_preview
from apps.users.actors import actor_of

if TYPE_CHECKING:
    from apps.users.models import User

PURPOSE = "order"
REVIEW_SECONDS = 300


@client_page()
def trade(request: HttpRequest) -> HttpResponseBase:
    """List what can be traded; with htmx, only the rows that match."""
    form = SearchForm(request.GET)
    query = form.cleaned_data["q"] if form.is_valid() else ""
    rows, is_cut = instrument_search(query)
    context = {"rows": rows, "is_cut": is_cut, "query": query}
    is_fragment = bool(request.headers.get("HX-Request"))
    template = "portal/includes/instruments.html" if is_fragment else "portal/trade.html"
    return render(request, template, context)


@client_page("GET", "HEAD", "POST")
def ticket(request: HttpRequest, symbol: str) -> HttpResponseBase:
    """Show the ticket; a valid one leads to the review, which changes nothing yet."""
    user = actor_of(request)
    portfolio = portfolio_needed(user, request.session)
    if request.method != "POST":
        return _ticket_page(request, portfolio, symbol, TicketForm(initial=_started(request)))
    form = TicketForm(request.POST)
    if not form.is_valid():
        return _ticket_page(request, portfolio, symbol, form, status=400)
    return _review(request, user, portfolio, symbol, form)


@client_page("POST")
def preview(request: HttpRequest, symbol: str) -> HttpResponseBase:
    """Answer the checks and the cost of what the ticket says now, as a fragment."""
    user = actor_of(request)
    portfolio = portfolio_needed(user, request.session)
    form = TicketForm(request.POST)
    context: dict[str, Any] = {"portfolio": portfolio, "form": form}
    if form.is_valid():
        try:
            context["preview"] = order_preview(
                actor=user, portfolio_id=portfolio.id, symbol=symbol, **form.order()
            )
        except DomainError as error:
            context["problem"] = error
    return render(request, "portal/includes/preview.html", context)


@client_page("POST")
def confirm(request: HttpRequest, symbol: str) -> HttpResponseBase:
    """Place exactly the order that was reviewed, once, however often this is sent."""
    user = actor_of(request)
    portfolio = portfolio_needed(user, request.session)
    try:
        reviewed = unseal(PURPOSE, user.pk, request.POST.get("order", ""), lifetime=REVIEW_SECONDS)
    except ExpiredForm as error:
        form = TicketForm(initial={})
        return _ticket_page(request, portfolio, symbol, form, error=error)
    order = unpack(reviewed["order"])
    try:
        placed = order_place(
            actor=user,
            portfolio_id=UUID(reviewed["portfolio"]),
            symbol=reviewed["symbol"],
            client_order_id=reviewed["client_order_id"],
            **order,
        )
    except DomainError as error:
        form = TicketForm(refill(order))
        form.is_valid()
        return _ticket_page(request, portfolio, reviewed["symbol"], form, error=error)
    messages.success(request, "The order was accepted.")
    return redirect("portal:order", order_id=placed.id)


def _started(request: HttpRequest) -> dict[str, str]:
    """Take the ticket's values from the address: `?side=SELL`, or all of them after a review."""
    return {
        name: request.GET[name][:TYPED_LENGTH]
        for name in TicketForm.base_fields
        if name in request.GET
    }


def _review(
    request: HttpRequest,
    user: "User",
    portfolio: PortfolioChoice,
    symbol: str,
    form: TicketForm,
) -> HttpResponse:
    order = form.order()
    try:
        checked = order_preview(actor=user, portfolio_id=portfolio.id, symbol=symbol, **order)
    except DomainError as error:
        return _ticket_page(request, portfolio, symbol, form, error=error)
    reviewed = {
        "portfolio": str(portfolio.id),
        "symbol": symbol,
        "client_order_id": f"portal-{uuid4().hex}",
        "order": pack(order),
    }
    context = {
        "ticket": ticket_read(portfolio, symbol),
        "portfolio": portfolio,
        "form": form,
        "order": order,
        "preview": checked,
        "back": refill(order),
        "token": seal(PURPOSE, user.pk, reviewed),
    }
    return render(request, "portal/review.html", context)


def _ticket_page(
    request: HttpRequest,
    portfolio: PortfolioChoice,
    symbol: str,
    form: TicketForm,
    *,
    status: int = 200,
    error: DomainError | None = None,
) -> HttpResponse:
    if error is not None:
        if form.is_bound:
            form.refuse(error.message, error.facts.get("field"))
        status = domain_status(error)
    context = {
        "ticket": ticket_read(portfolio, symbol),
        "portfolio": portfolio,
        "form": form,
        "problem": error,
    }
    return render(request, "portal/ticket.html", context, status=status)
