"""Step-up: a second factor proven again, shortly before something that could not be undone."""

from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from apps.audit.services import emit
from apps.core.commands import command
from apps.core.errors import NotPermitted
from apps.users.events import SecondFactorConfirmed
from apps.users.models import ApiSession, User
from apps.users.selectors import user_has_second_factor
from apps.users.services.code_attempts import code_from_session
from apps.users.services.passkeys import passkey_verify
from apps.users.services.sign_in import Channel, sign_in_failure_record

SESSION_KEY = "second_factor_at"


def step_up_confirm(*, user: User, session: ApiSession | SessionBase, token: str) -> datetime:
    """Take a fresh code for this session and return until when it counts.

    A code that signed in is used up and does not count again.  Raises NotPermitted
    (`second_factor_missing`, `invalid_code`), TooManyAttempts, Unavailable.  Not one
    transaction: the record of a failure must stay.
    """
    if not user_has_second_factor(user):
        raise NotPermitted("Set up a second factor first.", code="second_factor_missing")
    channel: Channel = "API" if isinstance(session, ApiSession) else "PORTAL"
    name = str(session.pk if isinstance(session, ApiSession) else session.session_key)
    if code_from_session(user=user, code=token, session_name=name) is None:
        sign_in_failure_record(user=user, email="", channel=channel, reason="step_up")
        raise NotPermitted(
            "This code is not right, or it was used already. Wait for the next one.",
            code="invalid_code",
        )
    return step_up_record(user=user, session=session)


def step_up_by_passkey(*, user: User, session: SessionBase, credential: str) -> datetime:
    """Take a passkey's signature of this session's challenge; return until when it counts.

    Raises NotPermitted `invalid_passkey`, Unavailable.
    """
    if passkey_verify(user=user, session=session, credential=credential) is None:
        sign_in_failure_record(user=user, email="", channel="PORTAL", reason="step_up")
        raise NotPermitted("The passkey was not accepted; try again.", code="invalid_passkey")
    return step_up_record(user=user, session=session)


@command
def step_up_record(*, user: User, session: ApiSession | SessionBase) -> datetime:
    """Note that the user has just proven the second factor here; return until when it counts."""
    now = timezone.now()
    if isinstance(session, ApiSession):
        session.second_factor_at = now
        session.save(update_fields=["second_factor_at", "updated_at"])
        channel = "API"
    else:
        session[SESSION_KEY] = now.isoformat()
        channel = "PORTAL"
    emit(
        SecondFactorConfirmed(stream=user.stream, user_id=str(user.pk), channel=channel), actor=user
    )
    return now + timedelta(seconds=settings.STEP_UP_SECONDS)


def step_up_is_fresh(session: ApiSession | SessionBase) -> bool:
    """Tell whether a second factor was proven in this session within STEP_UP_SECONDS."""
    if isinstance(session, ApiSession):
        proven_at = session.second_factor_at
    else:
        proven_at = parse_datetime(session.get(SESSION_KEY, ""))
    if proven_at is None:
        return False
    age = timezone.now() - proven_at
    return timedelta(0) <= age <= timedelta(seconds=settings.STEP_UP_SECONDS)
