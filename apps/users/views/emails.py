"""Pages on which a user changes the e-mail address that they sign in with."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from apps.core.errors import Conflict, DomainError, NotFound
from apps.users.actors import actor_of, session_id_of
from apps.users.forms import EmailForm
from apps.users.services import emails
from apps.users.step_up import step_up_page


@never_cache
@login_required
@require_http_methods(["GET", "POST"])
def email_change(request: HttpRequest) -> HttpResponseBase:
    """Ask for the new address; what is said does not tell whether somebody has it."""
    form = EmailForm(request.POST or None)
    if request.method == "POST":
        if asked := step_up_page(request):
            return asked
        if form.is_valid():
            try:
                emails.email_change_request(
                    user=actor_of(request), email=form.cleaned_data["email"]
                )
            except DomainError as error:
                form.add_error("email", error.message)
            else:
                messages.success(request, "We sent a mail to the new address. Open its link here.")
                return redirect("email_change")
    context = {"form": form, "email": actor_of(request).email}
    return render(request, "users/email_change.html", context, status=400 if form.errors else 200)


@never_cache
@login_required
@require_http_methods(["GET", "POST"])
def email_change_confirm(request: HttpRequest, token: str) -> HttpResponseBase:
    """Take the link of the mail, in a session of the user who asked for the change."""
    user = actor_of(request)
    try:
        change = emails.email_change_waiting(user=user, token=token)
        if request.method != "POST":
            return render(request, "users/email_change_confirm.html", {"email": change.email})
        emails.email_change_confirm(user=user, token=token, keep=session_id_of(request))
    except NotFound as error:
        raise Http404(error.message) from error
    except Conflict as error:
        messages.error(request, error.message)
        return redirect("email_change")
    messages.success(request, "You sign in with the new address from now on.")
    return redirect("security")
