"""Joins allauth's sign-in pages to the commands of this context."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.authentication import get_authentication_records
from allauth.account.stages import LoginStage
from allauth.core.internal.httpkit import headed_redirect_response
from django import forms
from django.contrib.auth.password_validation import validate_password
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.crypto import constant_time_compare

from apps.core.errors import DomainError, Unavailable
from apps.infrastructure.security_log import record
from apps.users.actors import session_id_of
from apps.users.domain.roles import Role
from apps.users.domain.sessions import METHODS_KEY
from apps.users.models import User
from apps.users.selectors import proof_of, user_has_second_factor
from apps.users.services.accounts import password_set, user_register
from apps.users.services.attempts import TooManyAttempts
from apps.users.services.sign_in import password_check, sign_in_record
from apps.users.services.step_up import step_up_record


class OtpStage(LoginStage):
    """Between the password and the session: nobody with a device gets past without a code."""

    key = "otp"
    urlname = "otp_login"

    def handle(self) -> tuple[HttpResponse | None, bool]:
        if user_has_second_factor(self.login.user):
            self.state["fingerprint"] = self.login.user.get_session_auth_hash()
            return headed_redirect_response(self.urlname), True
        return None, True

    def is_current(self) -> bool:
        """Tell whether the password of the first step still opens the account."""
        user = self.login.user
        fingerprint = self.state.get("fingerprint", "")
        return user.is_active and constant_time_compare(fingerprint, user.get_session_auth_hash())


def refusal_words(request: HttpRequest, error: DomainError) -> str:
    """Return what a page says of the refusal; too many attempts are written down, as by the API."""
    if isinstance(error, TooManyAttempts):
        record("throttled", request=request, code=error.code)
    return error.message


class AccountAdapter(DefaultAccountAdapter):
    def get_login_stages(self) -> list[str]:
        return [*super().get_login_stages(), "apps.users.adapter.OtpStage"]

    def get_client_ip(self, request: HttpRequest) -> str:
        """Return the peer's address: the server in front has replaced it by the client's."""
        return str(request.META.get("REMOTE_ADDR", ""))

    def authenticate(self, request: HttpRequest, **credentials: Any) -> User | None:
        try:
            return password_check(
                email=credentials.get("email", ""),
                password=credentials.get("password", ""),
                address=self.get_client_ip(request),
                channel="PORTAL",
            )
        except (TooManyAttempts, Unavailable) as error:
            raise forms.ValidationError(refusal_words(request, error), code=error.code) from error

    def login(self, request: HttpRequest, user: User) -> None:
        super().login(request, user)
        device = getattr(user, "otp_device", None)
        if device is not None:
            step_up_record(user=user, session=request.session)
        names = {"password": "pwd", "socialaccount": "oidc"}
        proofs = [proof["method"] for proof in get_authentication_records(request, user)]
        first = next((names[proof] for proof in reversed(proofs) if proof in names), "pwd")
        request.session[METHODS_KEY] = [first]
        sign_in_record(
            user=user,
            channel="PORTAL",
            methods=[first, *proof_of(device)],
            address=self.get_client_ip(request),
            user_agent=request.headers.get("User-Agent", ""),
        )

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        if isinstance(request.user, User) and not user_has_second_factor(request.user):
            return reverse("security")
        if isinstance(request.user, User) and request.user.is_staff:
            is_adviser = request.user.has_role(Role.ADVISER)
            return "/" if is_adviser else reverse("admin:index")
        return str(super().get_login_redirect_url(request))

    def save_user(
        self,
        request: HttpRequest,
        user: User,
        form: forms.Form,
        commit: bool = True,
    ) -> User:
        with transaction.atomic():
            super().save_user(request, user, form, commit=commit)
            if commit:
                user_register(user=user)
        return user

    def set_password(self, user: User, password: str) -> None:
        request = self.request
        is_own = request is not None and request.user == user
        password_set(user=user, password=password, keep=session_id_of(request) if is_own else None)

    def clean_password(self, password: str, user: User | None = None) -> str:
        if len(password) > 128:
            raise forms.ValidationError("Choose at most 128 characters.", code="max_length")
        validate_password(password, user)
        return password
