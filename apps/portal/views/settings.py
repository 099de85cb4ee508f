"""What the client can set, and where."""

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render

from apps.portal.selectors.portfolios import portfolio_choices
from apps.portal.views.access import client_page
from apps.users.actors import actor_of
from apps.users.selectors import user_has_second_factor


@client_page()
def settings_page(request: HttpRequest) -> HttpResponseBase:
    user = actor_of(request)
    context = {
        "account": user,
        "has_second_factor": user_has_second_factor(user),
        "portfolios": portfolio_choices(user),
    }
    return render(request, "portal/settings.html", context)
