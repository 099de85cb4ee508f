"""Open, rename, close portfolios, and choose the one that the pages show."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render

from apps.core.errors import DomainError, InvalidInput
from apps.infrastructure.api.problems import domain_status
from apps.portal.forms.portfolios import NameForm, PortfolioForm, SwitchForm
from apps.portal.selectors.portfolios import PORTFOLIO_KEY, holdings_read
from apps.portal.views.access import client_page
from apps.trading.selectors.portfolios import portfolio_get
from apps.trading.services.portfolios import portfolio_close, portfolio_open, portfolio_rename
from apps.users.actors import actor_of
from apps.users.step_up import safe_next


@client_page("GET", "HEAD", "POST")
def portfolios(request: HttpRequest) -> HttpResponseBase:
    """List all portfolios with one total over all; open another."""
    if request.method != "POST":
        return _list_page(request, PortfolioForm(initial={"currency": "USD"}))
    user = actor_of(request)
    form = PortfolioForm(request.POST)
    if not form.is_valid():
        return _list_page(request, form, status=400)
    try:
        opened = portfolio_open(actor=user, client=user, **form.terms())
    except DomainError as error:
        form.refuse(error.message, error.facts.get("field"))
        return _list_page(request, form, status=domain_status(error))
    request.session[PORTFOLIO_KEY] = str(opened.id)
    messages.success(request, f"The portfolio {opened.name} was opened.")
    return redirect("portal:dashboard")


@client_page("POST")
def select(request: HttpRequest) -> HttpResponseBase:
    """Let the pages show another portfolio, and go back to the page that asked."""
    form = SwitchForm(request.POST)
    if not form.is_valid():
        raise InvalidInput("Choose a portfolio.", field="portfolio")
    chosen = portfolio_get(actor_of(request), form.cleaned_data["portfolio"])
    request.session[PORTFOLIO_KEY] = str(chosen.id)
    return redirect(safe_next(form.cleaned_data["next"]))


@client_page("GET", "HEAD", "POST")
def portfolio(request: HttpRequest, portfolio_id: UUID) -> HttpResponseBase:
    """Show one portfolio's terms, and give it another name."""
    user = actor_of(request)
    found = portfolio_get(user, portfolio_id)
    if request.method != "POST":
        return _portfolio_page(request, portfolio_id, NameForm(initial={"name": found.name}))
    form = NameForm(request.POST)
    if not form.is_valid():
        return _portfolio_page(request, portfolio_id, form, status=400)
    try:
        renamed = portfolio_rename(actor=user, portfolio_id=portfolio_id, **form.cleaned_data)
    except DomainError as error:
        form.refuse(error.message, error.facts.get("field"))
        return _portfolio_page(request, portfolio_id, form, status=domain_status(error))
    messages.success(request, f"The portfolio is called {renamed.name} now.")
    return redirect("portal:portfolios")


@client_page("POST")
def close(request: HttpRequest, portfolio_id: UUID) -> HttpResponseBase:
    user = actor_of(request)
    try:
        closed = portfolio_close(actor=user, portfolio_id=portfolio_id)
    except DomainError as error:
        found = portfolio_get(user, portfolio_id)
        form = NameForm(initial={"name": found.name})
        messages.error(request, error.message)
        return _portfolio_page(request, portfolio_id, form, status=domain_status(error))
    messages.success(request, f"{closed.name} was closed.")
    return redirect("portal:portfolios")


def _list_page(request: HttpRequest, form: PortfolioForm, *, status: int = 200) -> HttpResponse:
    context = {"holdings": holdings_read(actor_of(request)), "form": form}
    return render(request, "portal/portfolios.html", context, status=status)


def _portfolio_page(
    request: HttpRequest, portfolio_id: UUID, form: NameForm, *, status: int = 200
) -> HttpResponse:
    context = {"shown": portfolio_get(actor_of(request), portfolio_id), "form": form}
    return render(request, "portal/portfolio.html", context, status=status)
