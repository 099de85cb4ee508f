"""Signing in at an identity provider, and connecting one to an account."""

from allauth.account.internal.flows.login import record_authentication
from allauth.account.utils import perform_login
from allauth.socialaccount.internal import statekit
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from apps.core.errors import DomainError, NotPermitted
from apps.infrastructure.security_log import record
from apps.users.actors import actor_of, session_id_of
from apps.users.backends import session_describe
from apps.users.providers.oidc import Handshake, Identity, OidcClient, OidcRefused
from apps.users.services import social
from apps.users.step_up import require_step_up, step_up_page

CANCELLED = "access_denied"


@never_cache
@require_POST
def social_login(request: HttpRequest, provider: str) -> HttpResponseBase:
    """Send somebody who is not signed in to the provider."""
    client = _client(provider)
    if request.user.is_authenticated:
        return redirect(settings.LOGIN_REDIRECT_URL)
    return _depart(request, provider, client, user_id="")


@never_cache
@login_required
@require_POST
def social_connect(request: HttpRequest, provider: str) -> HttpResponseBase:
    """Send the signed-in user to the provider, to connect it; needs a fresh second factor."""
    client, user = _client(provider), actor_of(request)
    if user.is_staff:
        raise PermissionDenied
    if asked := step_up_page(request):
        return asked
    return _depart(request, provider, client, user_id=str(user.pk))


@never_cache
@login_required
@require_POST
def social_disconnect(request: HttpRequest, provider: str) -> HttpResponseBase:
    if asked := step_up_page(request):
        return asked
    try:
        social.social_disconnect(
            user=actor_of(request), provider=provider, keep=session_id_of(request)
        )
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, "The provider does not open your account any more.")
    return redirect("security")


@never_cache
@require_GET
def social_callback(request: HttpRequest, provider: str) -> HttpResponseBase:
    """Take the provider's answer: for this browser, once, and within ten minutes."""
    client = _client(provider)
    state_id = request.GET.get("state", "")
    state = statekit.unstash_state(request, provider_id=provider, state_id=state_id)
    session_describe(request)
    if state is None:
        return _refused(request, provider, "state", "This link has expired. Begin again.")
    if request.GET.get("error") == CANCELLED:
        return _back(request, "You went back without signing in.")
    try:
        identity = client.finish(
            code=request.GET.get("code", ""),
            issuer=request.GET.get("iss", ""),
            nonce=state["nonce"],
            verifier=state["verifier"],
        )
        return _arrive(request, provider, identity, connects=state["user_id"])
    except OidcRefused as error:
        return _refused(request, provider, str(error), "The provider's answer is not right.")
    except DomainError as error:
        return _refused(request, provider, error.code, error.message)


def _arrive(
    request: HttpRequest, provider: str, identity: Identity, *, connects: str
) -> HttpResponseBase:
    issuer = settings.SOCIAL_PROVIDERS[provider]["issuer"]
    uid = social.subject_key(issuer=issuer, subject=identity.subject)
    current = actor_of(request) if request.user.is_authenticated else None
    if connects != (str(current.pk) if current else ""):
        raise NotPermitted("Somebody else is signed in here now.", code="other_user")
    if current is not None:
        require_step_up(request)
        social.social_connect(user=current, provider=provider, uid=uid)
        messages.success(request, "The provider opens your account now.")
        return redirect("security")
    user = social.social_user_get(provider=provider, uid=uid, email=identity.email)
    record_authentication(request, user, "socialaccount", provider=provider)
    answer: HttpResponse = perform_login(request, user)
    return answer


def _client(provider: str) -> OidcClient:
    config = settings.SOCIAL_PROVIDERS.get(provider)
    if config is None:
        raise Http404
    callback = reverse("social_callback", args=[provider])
    return OidcClient(config, redirect_uri=f"{settings.PUBLIC_URL}{callback}")


def _depart(
    request: HttpRequest, provider: str, client: OidcClient, *, user_id: str
) -> HttpResponseBase:
    """Show a page that goes on by itself: forms may lead to no other site, redirected or not."""
    handshake: Handshake = client.begin()
    state = {"nonce": handshake.nonce, "verifier": handshake.verifier, "user_id": user_id}
    state_id = statekit.stash_state(request, provider_id=provider, state=state)
    session_describe(request)
    try:
        address = client.authorize_url(handshake, state_id)
    except OidcRefused as error:
        return _refused(request, provider, str(error), "The provider's answer is not right.")
    except DomainError as error:
        return _back(request, error.message)
    context = {"address": address, "provider": settings.SOCIAL_PROVIDERS[provider]["name"]}
    response = render(request, "users/social_leave.html", context)
    response["Refresh"] = f"0; url={address}"
    return response


def _refused(request: HttpRequest, provider: str, code: str, words: str) -> HttpResponseBase:
    record("social.refused", request=request, provider=provider, code=code)
    return _back(request, words)


def _back(request: HttpRequest, words: str) -> HttpResponseBase:
    messages.error(request, words)
    return redirect("security" if request.user.is_authenticated else "account_login")
