"""What moved, and what was done: the ledger and the audit trail of the client."""

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render

from apps.portal.selectors.activity import entry_views, event_views
from apps.portal.selectors.portfolios import portfolio_choices, portfolio_chosen
from apps.portal.views.access import client_page
from apps.users.actors import actor_of


@client_page()
def activity(request: HttpRequest) -> HttpResponseBase:
    user = actor_of(request)
    portfolio = portfolio_chosen(portfolio_choices(user), request.session)
    context = {
        "portfolio": portfolio,
        "entries": entry_views(portfolio.id) if portfolio else [],
        "events": event_views(user.pk),
    }
    return render(request, "portal/activity.html", context)
