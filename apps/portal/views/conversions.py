"""Changing money into another currency: a quote first, then the change at its rate."""

import hashlib
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render

from apps.core.domain.money import Money
from apps.core.errors import DomainError
from apps.infrastructure.api.problems import domain_status
from apps.market.selectors import fx_currencies
from apps.portal.domain import figures
from apps.portal.forms.conversions import AgreementForm, ConversionForm
from apps.portal.selectors.portfolios import PortfolioChoice, portfolio_needed
from apps.portal.views.access import client_page
from apps.trading.selectors.cash import cash_list
from apps.trading.selectors.conversions import conversion_list
from apps.trading.services.conversions import conversion_make, conversion_preview
from apps.users.actors import actor_of

SHOWN = 10


@client_page("GET", "HEAD", "POST")
def convert(request: HttpRequest) -> HttpResponseBase:
    user = actor_of(request)
    portfolio = portfolio_needed(user, request.session)
    if request.method != "POST":
        return _page(request, portfolio, _form(request, portfolio))
    if "quote" in request.POST:
        return _agree(request, portfolio)
    form = _form(request, portfolio)
    if not form.is_valid():
        return _page(request, portfolio, form, status=400)
    asked = form.cleaned_data
    try:
        quote = conversion_preview(
            actor=user,
            portfolio_id=portfolio.id,
            amount=Money.of(asked["amount"], asked["from_currency"]),
            target=asked["to_currency"],
        )
    except DomainError as error:
        form.refuse(error.message, error.facts.get("field"))
        return _page(request, portfolio, form, status=domain_status(error))
    return _page(request, portfolio, form, quote=quote)


def _agree(request: HttpRequest, portfolio: PortfolioChoice) -> HttpResponseBase:
    agreement = AgreementForm(request.POST)
    if not agreement.is_valid():
        return redirect("portal:convert")
    token = agreement.cleaned_data["quote"]
    try:
        made = conversion_make(
            actor=actor_of(request),
            portfolio_id=portfolio.id,
            token=token,
            idempotency_key=f"portal-{hashlib.sha256(token.encode()).hexdigest()}",
        )
    except DomainError as error:
        messages.error(request, error.message)
        form = _form(request, portfolio, is_bound=False)
        return _page(request, portfolio, form, status=domain_status(error))
    sold = figures.amount(made.sold_amount, made.sold_currency)
    bought = figures.amount(made.bought_amount, made.bought_currency)
    messages.success(request, f"{sold} became {bought}.")
    return redirect("portal:convert")


def _form(
    request: HttpRequest, portfolio: PortfolioChoice, *, is_bound: bool = True
) -> ConversionForm:
    own = [row.currency for row in cash_list(portfolio.id, portfolio.currency)]
    data = request.POST if is_bound and request.method == "POST" else None
    return ConversionForm(data, own=own, currencies=fx_currencies())


def _page(
    request: HttpRequest,
    portfolio: PortfolioChoice,
    form: ConversionForm,
    *,
    quote: Any = None,
    status: int = 200,
) -> HttpResponse:
    user = actor_of(request)
    context = {
        "form": form,
        "quote": quote,
        "agreement": quote and AgreementForm(initial={"quote": quote.token}, auto_id=False),
        "portfolio": portfolio,
        "moneys": cash_list(portfolio.id, portfolio.currency),
        "conversions": conversion_list(user, portfolio.id)[:SHOWN],
    }
    return render(request, "portal/convert.html", context, status=status)
