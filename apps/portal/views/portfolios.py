"""Open a portfolio, and choose the one that the pages show."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect

from apps.core.errors import DomainError, InvalidInput
from apps.portal.forms.portfolios import PortfolioForm
from apps.portal.selectors.portfolios import PORTFOLIO_KEY
from apps.portal.views.access import client_page, problem_page
from apps.trading.selectors.portfolios import portfolio_get
from apps.trading.services.portfolios import portfolio_open
from apps.users.actors import actor_of


@client_page("POST")
def open_portfolio(request: HttpRequest) -> HttpResponseBase:
    user = actor_of(request)
    form = PortfolioForm(request.POST)
    if not form.is_valid():
        message = form.errors["name"][0] if "name" in form.errors else "The form is not complete."
        return problem_page(request, InvalidInput(str(message), field="name"))
    try:
        opened = portfolio_open(actor=user, client=user, name=form.cleaned_data["name"])
    except DomainError as error:
        return problem_page(request, error)
    request.session[PORTFOLIO_KEY] = str(opened.id)
    messages.success(request, f"The portfolio {opened.name} was opened.")
    return redirect("portal:dashboard")


@client_page("POST")
def select_portfolio(request: HttpRequest, portfolio_id: UUID) -> HttpResponseBase:
    chosen = portfolio_get(actor_of(request), portfolio_id)
    request.session[PORTFOLIO_KEY] = str(chosen.id)
    return redirect("portal:dashboard")
