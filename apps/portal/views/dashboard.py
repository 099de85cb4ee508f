"""The first page: where the client stands, and what to do next."""

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render

from apps.portal.selectors.dashboard import dashboard_read
from apps.portal.selectors.portfolios import portfolio_choices, portfolio_chosen
from apps.portal.views.access import client_page
from apps.users.actors import actor_of


@client_page()
def dashboard(request: HttpRequest) -> HttpResponseBase:
    user = actor_of(request)
    choices = portfolio_choices(user)
    portfolio = portfolio_chosen(choices, request.session)
    context = {
        "choices": choices,
        "portfolio": portfolio,
        "dashboard": dashboard_read(user, portfolio),
    }
    return render(request, "portal/dashboard.html", context)
