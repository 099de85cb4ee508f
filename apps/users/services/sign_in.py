"""Proving who one is: the password, the second factor, and what is written down about it."""

from typing import Literal

from allauth.account.models import EmailAddress
from django.utils.crypto import salted_hmac

from apps.audit.services import emit
from apps.core.commands import command
from apps.core.errors import DomainError
from apps.infrastructure.security_log import record
from apps.users.domain.sessions import device_words
from apps.users.events import SignInFailed, SignInSucceeded
from apps.users.models import User
from apps.users.selectors import (
    passkey_is_demanded,
    second_factor_is_demanded,
    user_has_second_factor,
)
from apps.users.services.attempts import (
    address_remember,
    attempt_count,
    attempt_give_back,
    device_remember,
)
from apps.users.services.code_attempts import code_from_address
from apps.users.services.tokens import TokenPair, api_session_open

Channel = Literal["PORTAL", "API"]
Reason = Literal["credentials", "second_factor", "step_up"]
SECURITY_EVENTS: dict[Reason, str] = {
    "credentials": "sign_in.failed",
    "second_factor": "second_factor.refused",
    "step_up": "step_up.refused",
}


class SignInRefused(DomainError):
    """Who one is was not proven; the codes are those of the API."""

    code = "invalid_credentials"


def password_check(*, email: str, password: str, address: str, channel: Channel) -> User | None:
    """Return the user whose password this is; None for everybody else, in the same time.

    An unknown e-mail address, a wrong password and a deactivated user look alike.  Raises
    TooManyAttempts before the password is looked at.  Not one transaction: the record of a
    failure must stay.
    """
    attempt_count(email, address)
    user = User.objects.find_by_email(email)
    if user is None:
        User().set_password(password)  # the same work as a check
    is_right = user is not None and user.check_password(password)
    if user is None or not is_right or not user.is_active:
        sign_in_failure_record(user=user, email=email, channel=channel, reason="credentials")
        return None
    attempt_give_back(email, address)
    return user


def api_sign_in(
    *, email: str, password: str, code: str, address: str, user_agent: str
) -> TokenPair:
    """Open an API session by password and, where the user has or needs one, second factor.

    Raises SignInRefused (`invalid_credentials`, `email_not_verified`, `second_factor_required`,
    `second_factor_missing`, `passkey_required`), TooManyAttempts, Unavailable.
    """
    user = password_check(email=email, password=password, address=address, channel="API")
    if user is None:
        raise SignInRefused("The e-mail address, the password or the code is wrong.")
    if not EmailAddress.objects.filter(user=user, email=user.email, verified=True).exists():
        raise SignInRefused("Confirm your e-mail address first.", code="email_not_verified")
    methods = ["pwd"]
    if second_factor_is_demanded(user):
        _demand_code(user, code, address)
        methods.append("otp")
    sign_in_record(
        user=user, channel="API", methods=methods, address=address, user_agent=user_agent
    )
    return api_session_open(user=user, methods=methods, user_agent=user_agent, address=address)


def _demand_code(user: User, code: str, address: str) -> None:
    if passkey_is_demanded(user):
        raise SignInRefused("Sign in to the portal with a passkey.", code="passkey_required")
    if not user_has_second_factor(user):
        raise SignInRefused(
            "Set up a second factor in the portal first.", code="second_factor_missing"
        )
    if not code:
        raise SignInRefused("A code of the second factor is needed.", code="second_factor_required")
    if code_from_address(user=user, code=code, address=address) is None:
        sign_in_failure_record(user=user, email="", channel="API", reason="second_factor")
        raise SignInRefused("The e-mail address, the password or the code is wrong.")


@command
def sign_in_record(
    *, user: User, channel: Channel, methods: list[str], address: str, user_agent: str
) -> None:
    """Write down a complete sign-in and remember its address and device."""
    is_known = device_remember(user.pk, address, device_words(user_agent))
    emit(
        SignInSucceeded(
            stream=user.stream,
            user_id=str(user.pk),
            channel=channel,
            methods=methods,
            is_known=is_known,
        ),
        actor=user,
    )
    address_remember(user.email, address)


@command
def sign_in_failure_record(
    *, user: User | None, email: str, channel: Channel, reason: Reason
) -> None:
    """Write down a failure: by the user's id, or by a keyed hash of an unknown address."""
    if user is not None:
        stream, subject = user.stream, str(user.pk)
    else:
        subject = salted_hmac("stratford.sign-in", email.lower(), algorithm="sha256").hexdigest()[
            :16
        ]
        stream = f"sign-in-{subject}"
    emit(SignInFailed(stream=stream, subject=subject, channel=channel, reason=reason), actor=None)
    record(SECURITY_EVENTS[reason], user_id=user.pk if user else None, channel=channel)
