"""Where the user is signed in, and how to end it."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render

from apps.portal.views.access import client_page
from apps.users.actors import actor_of, session_id_of
from apps.users.selectors import session_list
from apps.users.services.sessions import session_end, sessions_end


@client_page()
def sessions(request: HttpRequest) -> HttpResponseBase:
    rows = session_list(actor_of(request), current_id=session_id_of(request))
    return render(request, "portal/sessions.html", {"sessions": rows})


@client_page("POST")
def end(request: HttpRequest, session_id: UUID) -> HttpResponseBase:
    session_end(actor=actor_of(request), session_id=session_id)
    messages.success(request, "The session has ended.")
    return redirect("portal:sessions")


@client_page("POST")
def end_others(request: HttpRequest) -> HttpResponseBase:
    actor = actor_of(request)
    sessions_end(actor=actor, user_id=actor.pk, reason="ASKED", keep=session_id_of(request))
    messages.success(request, "You are signed in here and nowhere else.")
    return redirect("portal:sessions")
