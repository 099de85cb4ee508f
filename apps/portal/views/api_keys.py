"""The client's API keys: make one, see them, revoke one."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render

from apps.core.errors import DomainError
from apps.infrastructure.api.problems import domain_status
from apps.portal.forms.api_keys import ApiKeyForm
from apps.portal.views.access import client_page
from apps.users.actors import actor_of
from apps.users.selectors import api_key_list, user_has_second_factor
from apps.users.services.api_keys import api_key_create, api_key_revoke
from apps.users.step_up import step_up_required


@client_page("GET", "HEAD", "POST")
@step_up_required
def api_keys(request: HttpRequest) -> HttpResponseBase:
    """Show the keys; a POST makes one and shows its text, which no other page can."""
    user, new_key, status = actor_of(request), "", 200
    form = ApiKeyForm(request.POST or None)
    if request.method == "POST":
        status = 400
        if form.is_valid():
            try:
                _, new_key = api_key_create(
                    actor=user,
                    name=form.cleaned_data["name"],
                    mode=form.cleaned_data["mode"],
                    scopes=form.cleaned_data["scopes"],
                    days=form.cleaned_data["days"],
                    networks=form.network_list(),
                )
            except DomainError as error:
                form.refuse(error.message, error.facts.get("field"))
                status = domain_status(error)
            else:
                form, status = ApiKeyForm(), 201
    context = {
        "form": form,
        "new_key": new_key,
        "keys": api_key_list(user),
        "has_second_factor": user_has_second_factor(user),
    }
    return render(request, "portal/api_keys.html", context, status=status)


@client_page("POST")
def revoke(request: HttpRequest, key_id: UUID) -> HttpResponseBase:
    api_key_revoke(actor=actor_of(request), key_id=key_id)
    messages.success(request, "The key is revoked.")
    return redirect("portal:api_keys")
