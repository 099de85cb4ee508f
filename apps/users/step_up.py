"""What an interface calls before something that needs a fresh second factor."""

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from django.conf import settings
from django.contrib import messages
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from rest_framework.request import Request

from apps.core.errors import NotPermitted
from apps.users.actors import actor_of
from apps.users.forms import StepUpForm
from apps.users.models import ApiSession, User
from apps.users.selectors import user_has_second_factor
from apps.users.services.passkeys import passkey_prove_options
from apps.users.services.step_up import step_up_is_fresh

P = ParamSpec("P")
R = TypeVar("R", bound=HttpResponseBase)
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def session_of(request: Request | HttpRequest) -> ApiSession | SessionBase | None:
    """Return the session that can hold a step-up; None where there is none (an API key)."""
    proof = getattr(request, "auth", None)
    if proof is None:
        has_proof = getattr(actor_of(request), "otp_device", None) is not None
        return request.session if has_proof else None
    return proof if isinstance(proof, ApiSession) else None


def require_step_up(request: Request | HttpRequest) -> None:
    """Raise NotPermitted `step_up_required` unless this session has a fresh second factor."""
    session = session_of(request)
    if session is None or not step_up_is_fresh(session):
        raise NotPermitted(
            "Confirm with your second factor first (POST /api/v1/auth/step-up).",
            code="step_up_required",
        )


def step_up_page(request: HttpRequest) -> HttpResponse | None:
    """Return the page that asks for the second factor; None when it is fresh.

    The form that was under way travels along in hidden fields and is sent again after the code;
    one with a file cannot, and its page is shown again.
    """
    try:
        require_step_up(request)
    except NotPermitted:
        if not user_has_second_factor(actor_of(request)):
            messages.warning(request, "Set up a second factor first: this needs one.")
            return redirect("security")
        resumes = request.method == "POST" and not request.FILES
        asked = {"step_up_next": request.get_full_path(), "step_up_resumes": resumes}
        form = StepUpForm(initial=asked)
        return confirm_page(request, form, resumes=resumes, status=403)
    return None


def confirm_page(
    request: HttpRequest, form: StepUpForm, *, resumes: bool, status: int = 200
) -> HttpResponse:
    """Show the page that asks for the code, with what the interrupted form held."""
    context = {
        "form": form,
        "carried": carried_fields(request) if resumes else [],
        "passkey_options": proving_options(request, actor_of(request)),
    }
    return render(request, "users/step_up.html", context, status=status)


def is_passkey_origin(request: HttpRequest) -> bool:
    """Tell whether the page is open at the origin that passkeys are bound to."""
    origin = f"{request.scheme}://{request.get_host()}"
    return origin == str(settings.WEBAUTHN_ORIGIN)


def proving_options(request: HttpRequest, user: User) -> dict[str, Any] | None:
    """Return what the browser needs to prove a passkey; None where there is none to prove."""
    if not is_passkey_origin(request):
        return None
    return passkey_prove_options(user=user, session=request.session)


def carried_fields(request: HttpRequest) -> list[tuple[str, str]]:
    """Return the interrupted form's fields, without those of the code and of CSRF."""
    own = {"csrfmiddlewaretoken", *StepUpForm.base_fields}
    return [
        (name, str(value))
        for name, values in request.POST.lists()
        if name not in own
        for value in values
    ]


def safe_next(address: str) -> str:
    """Return the address if it is a path of this site, the front page otherwise."""
    is_safe = address.startswith("/") and url_has_allowed_host_and_scheme(address, None)
    return address if is_safe else "/"


def step_up_required(
    view: Callable[P, R],
) -> Callable[P, R | HttpResponse]:
    """Let a portal or admin view write only after a fresh second factor; reading stays open."""

    @wraps(view)
    def run(*args: P.args, **kwargs: P.kwargs) -> R | HttpResponse:
        request: Any = next(item for item in args if isinstance(item, HttpRequest))
        asked = None if request.method in SAFE else step_up_page(request)
        return view(*args, **kwargs) if asked is None else asked

    return run
