"""Pages of the second factor: the code at sign-in, and the security settings."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import django_otp
import segno
from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import record_authentication
from allauth.account.stages import LoginStageController
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from apps.core.errors import Conflict, DomainError
from apps.users import selectors
from apps.users.actors import actor_of, session_id_of
from apps.users.adapter import OtpStage, refusal_words
from apps.users.forms import CodeForm, PasskeyForm, SignInCodeForm, StepUpForm
from apps.users.services import passkeys, second_factor, step_up
from apps.users.services.code_attempts import code_from_address
from apps.users.services.sign_in import sign_in_failure_record
from apps.users.step_up import (
    confirm_page,
    is_passkey_origin,
    proving_options,
    safe_next,
    session_of,
    step_up_page,
)

if TYPE_CHECKING:
    from django_otp.models import Device

    from apps.users.models import TotpDevice, User

PASSKEY_ID = re.compile(r"[0-9]{1,18}", re.ASCII)

# The session key that names the secret which this browser is about to confirm.
PENDING_KEY = "totp_pending"


@never_cache
@csrf_protect
@sensitive_post_parameters("code")
@require_http_methods(["GET", "POST"])
def otp_login(request: HttpRequest) -> HttpResponse:
    """Ask for the code after the password; the session begins only when it is right."""
    stage = LoginStageController.enter(request, OtpStage.key)
    if stage is None:
        return redirect("account_login")
    if not stage.is_current():
        refused: HttpResponse = stage.abort()
        return refused
    user = stage.login.user
    form = SignInCodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            device = _device_proven(request, user, form)
        except DomainError as error:
            form.add_error(None, refusal_words(request, error))
            return _code_page(request, user, form, status=429)
        if device is not None:
            record_authentication(request, user, *selectors.proof_of(device))
            user.otp_device = device
            answer: HttpResponse = stage.exit()
            return answer
        sign_in_failure_record(user=user, email="", channel="PORTAL", reason="second_factor")
        form.reject()
    return _code_page(request, user, form, status=400 if form.errors else 200)


def _device_proven(request: HttpRequest, user: "User", form: SignInCodeForm) -> "Device | None":
    if credential := form.cleaned_data["credential"]:
        return passkeys.passkey_verify(user=user, session=request.session, credential=credential)
    address = get_adapter().get_client_ip(request)
    return code_from_address(user=user, code=form.cleaned_data["code"], address=address)


def _code_page(
    request: HttpRequest, user: "User", form: SignInCodeForm, *, status: int
) -> HttpResponse:
    context = {"form": form, "passkey_options": proving_options(request, user)}
    return render(request, "users/otp_login.html", context, status=status)


@never_cache
@login_required
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def step_up_confirm(request: HttpRequest) -> HttpResponseBase:
    """Take a fresh code, then go on: to the page that asked, or again with its form (307)."""
    user = actor_of(request)
    if session_of(request) is None:
        return redirect("security")
    if request.method == "GET":
        form = StepUpForm(initial={"step_up_next": request.GET.get("next", "")})
        return confirm_page(request, form, resumes=False)
    form = StepUpForm(request.POST)
    resumes = request.POST.get("step_up_resumes") == "True"
    if not form.is_valid():
        return confirm_page(request, form, resumes=resumes, status=400)
    try:
        if credential := form.cleaned_data["step_up_credential"]:
            step_up.step_up_by_passkey(user=user, session=request.session, credential=credential)
        else:
            code = form.cleaned_data["step_up_code"]
            step_up.step_up_confirm(user=user, session=request.session, token=code)
    except DomainError as error:
        form.add_error("step_up_code", refusal_words(request, error))
        return confirm_page(request, form, resumes=resumes, status=400)
    address = safe_next(form.cleaned_data["step_up_next"])
    # 307 makes the browser send the interrupted form again, which only its own page put here.
    return redirect(address, preserve_request=resumes)


@method_decorator([never_cache, sensitive_post_parameters("code")], name="dispatch")
class SecurityView(LoginRequiredMixin, View):
    """Set up, replace and remove the second factor; `action` names what a POST wants."""

    http_method_names = ["get", "post"]

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._page(request)

    def post(self, request: HttpRequest) -> HttpResponse:
        actions: dict[str, Callable[[HttpRequest], HttpResponse]] = {
            "begin": self._begin,
            "cancel": self._cancel,
            "confirm": self._confirm,
            "renew": self._renew,
            "remove": self._remove,
            "passkey_add": self._passkey_add,
            "passkey_remove": self._passkey_remove,
        }
        action = actions.get(request.POST.get("action", ""))
        if action is None:
            return self._page(request, status=400)
        try:
            return action(request)
        except DomainError as error:
            messages.error(request, error.message)
            return redirect("security")

    def _begin(self, request: HttpRequest) -> HttpResponse:
        if asked := self._fresh(request):
            return asked
        device = second_factor.totp_begin(user=actor_of(request))
        request.session[PENDING_KEY] = device.pk
        return redirect("security")

    def _cancel(self, request: HttpRequest) -> HttpResponse:
        second_factor.totp_cancel(user=actor_of(request))
        return redirect("security")

    def _confirm(self, request: HttpRequest) -> HttpResponse:
        if asked := self._fresh(request):
            return asked
        form = CodeForm(request.POST)
        if not form.is_valid():
            return self._page(request, form=form, status=400)
        if self._pending(request) is None:
            raise Conflict("There is no secret to confirm; begin again.", code="nothing_to_confirm")
        enrolled = second_factor.totp_confirm(
            user=actor_of(request),
            code=form.cleaned_data["code"],
            keep=session_id_of(request),
        )
        if enrolled is None:
            form.reject()
            return self._page(request, form=form, status=400)
        device, codes = enrolled
        request.session.cycle_key()
        django_otp.login(request, device)
        step_up.step_up_record(user=actor_of(request), session=request.session)
        return self._page(request, codes=codes)

    def _renew(self, request: HttpRequest) -> HttpResponse:
        if asked := self._fresh(request):
            return asked
        user = actor_of(request)
        codes = second_factor.recovery_codes_renew(user=user)
        # Sessions that the former codes opened end with them; only this one goes on.
        django_otp.login(request, selectors.device_after_renewal(user))
        return self._page(request, codes=codes)

    def _remove(self, request: HttpRequest) -> HttpResponse:
        if asked := self._fresh(request):
            return asked
        second_factor.second_factor_remove(user=actor_of(request), keep=session_id_of(request))
        messages.success(request, "The second factor is removed.")
        return redirect("security")

    def _passkey_add(self, request: HttpRequest) -> HttpResponse:
        if asked := self._fresh(request):
            return asked
        form = PasskeyForm(request.POST)
        if not form.is_valid():
            messages.error(request, "Give the passkey a name and try again.")
            return redirect("security")
        user = actor_of(request)
        passkey, codes = passkeys.passkey_enrol(
            user=user,
            session=request.session,
            keep=session_id_of(request),
            **form.cleaned_data,
        )
        request.session.cycle_key()
        django_otp.login(request, passkey)
        step_up.step_up_record(user=user, session=request.session)
        messages.success(request, "The passkey is added.")
        return self._page(request, codes=codes)

    def _passkey_remove(self, request: HttpRequest) -> HttpResponse:
        if asked := self._fresh(request):
            return asked
        given = request.POST.get("passkey", "")
        if not PASSKEY_ID.fullmatch(given):
            return self._page(request, status=400)
        passkeys.passkey_remove(
            user=actor_of(request), passkey_id=int(given), keep=session_id_of(request)
        )
        messages.success(request, "The passkey is removed.")
        return redirect("security")

    def _fresh(self, request: HttpRequest) -> HttpResponse | None:
        """Return the page that asks for the second factor, if there is one and it is not fresh."""
        if not selectors.user_has_second_factor(actor_of(request)):
            return None
        return step_up_page(request)

    def _pending(self, request: HttpRequest) -> "TotpDevice | None":
        """Return the secret that waits, in the session that asked for it and in no other."""
        pending = selectors.totp_pending_get(actor_of(request))
        is_ours = pending is not None and pending.pk == request.session.get(PENDING_KEY)
        return pending if is_ours else None

    def _page(
        self,
        request: HttpRequest,
        *,
        form: CodeForm | None = None,
        codes: list[str] | None = None,
        status: int = 200,
    ) -> HttpResponse:
        user = actor_of(request)
        pending = self._pending(request)
        context: dict[str, Any] = {
            "form": form or CodeForm(),
            "codes": codes,
            "download": quote("\n".join([*codes, ""])) if codes else "",
            "has_second_factor": selectors.user_has_second_factor(user),
            "has_totp": selectors.user_has_totp(user),
            "may_remove": not user.is_staff,
            "passkeys": selectors.passkey_list(user),
            "passkey_form": PasskeyForm(auto_id="id_passkey_%s"),
            "passkey_origin": settings.WEBAUTHN_ORIGIN,
            "codes_left": selectors.recovery_codes_left(user),
        }
        if is_passkey_origin(request):
            context["passkey_options"] = passkeys.passkey_enrol_options(
                user=user, session=request.session
            )
        if pending is not None:
            context["secret"] = second_factor.totp_secret(pending)
            context["qr"] = segno.make(second_factor.totp_address(pending), error="m").svg_data_uri(
                scale=5, light="white"
            )
        return render(request, "users/security.html", context, status=status)
