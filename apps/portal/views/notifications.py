"""What Stratford told the client."""

from uuid import UUID

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render

from apps.notifications.selectors import notification_list, unread_count
from apps.notifications.services.messages import notification_read
from apps.portal.views.access import client_page
from apps.users.actors import actor_of

PAGE_SIZE = 25


@client_page()
def notifications(request: HttpRequest) -> HttpResponseBase:
    user = actor_of(request)
    page = request.GET.get("page", "1")[:6]
    context = {
        "page": Paginator(notification_list(user), PAGE_SIZE).get_page(page),
        "unread": unread_count(user),
    }
    return render(request, "portal/notifications.html", context)


@client_page("POST")
def read(request: HttpRequest, notification_id: UUID) -> HttpResponseBase:
    notification_read(actor=actor_of(request), notification_id=notification_id)
    return redirect("portal:notifications")
