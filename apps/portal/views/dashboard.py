"""The first page: where the client stands, and what to do next."""

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render

from apps.analytics.selectors import performance_table
from apps.portal.selectors.curves import curve_series
from apps.portal.selectors.dashboard import dashboard_read
from apps.portal.selectors.portfolios import portfolio_choices, portfolio_chosen
from apps.portal.views.access import client_page
from apps.users.actors import actor_of
from apps.users.domain.roles import Role


@client_page()
def dashboard(request: HttpRequest) -> HttpResponseBase:
    user = actor_of(request)
    if not user.has_role(Role.CLIENT):
        return redirect("portal:clients" if user.has_role(Role.ADVISER) else "admin:index")
    choices = portfolio_choices(user)
    portfolio = portfolio_chosen(choices, request.session)
    context = {
        "portfolio": portfolio,
        "dashboard": dashboard_read(user, portfolio),
        "curve": curve_series(user, portfolio.id) if portfolio else [],
        "performance": performance_table(user, portfolio.id) if portfolio else None,
    }
    return render(request, "portal/dashboard.html", context)
