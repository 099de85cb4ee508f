"""Changing the e-mail address that a user signs in with."""

import hashlib
import secrets
from datetime import timedelta
from uuid import UUID

from allauth.account.models import EmailAddress
from django.conf import settings
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.core.mail import send_mail
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.template.loader import render_to_string
from django.utils import timezone

from apps.audit.services import emit
from apps.core.commands import command
from apps.core.errors import Conflict, InvalidInput, NotFound
from apps.users.events import EmailChanged
from apps.users.models import EmailChange, User
from apps.users.selectors import email_is_taken
from apps.users.services.attempts import Limit, TooManyAttempts, counting
from apps.users.services.sessions import sessions_end

ASKED = Limit("email-change", *settings.EMAIL_CHANGE_LIMIT)
LINK_LIFE = timedelta(hours=4)
LINK_PATH = "/settings/email/confirm/"


@command
def email_change_request(*, user: User, email: str) -> None:
    """Send a link to the new address; the old one counts until the link was used.

    An address that somebody has already looks the same from outside: its owner is told by mail.
    A former request of the user is dropped.  The caller has checked a fresh second factor.
    Raises InvalidInput for what is no address, or is the user's own; TooManyAttempts.
    """
    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError as error:
        raise InvalidInput("This is not an e-mail address.", field="email") from error
    _count(user)
    User.objects.select_for_update().get(pk=user.pk)
    if email == user.email:
        raise InvalidInput("This is your address already.", field="email")
    token = secrets.token_urlsafe(32)
    EmailChange.objects.filter(user=user, confirmed_at=None).delete()
    EmailChange.objects.create(
        user=user,
        email=email,
        former_email=user.email,
        token_hash=_digest(token),
        expires_at=timezone.now() + LINK_LIFE,
    )
    kind = "taken" if email_is_taken(email, but=user) else "confirm"
    text = render_to_string(
        f"email/email_change_{kind}.txt",
        {"link": f"{settings.PUBLIC_URL}{LINK_PATH}{token}/", "public_url": settings.PUBLIC_URL},
    )
    transaction.on_commit(
        lambda: send_mail("Stratford: Your new e-mail address", text, None, [email]), robust=True
    )


def email_change_waiting(*, user: User, token: str) -> EmailChange:
    """Return the user's request whose link this is; raise NotFound for an old or foreign one."""
    change = EmailChange.objects.filter(
        user=user, token_hash=_digest(token), confirmed_at=None, expires_at__gt=timezone.now()
    ).first()
    if change is None:
        raise NotFound("This link has expired or is not right.")
    return change


@command
def email_change_confirm(*, user: User, token: str, keep: UUID | None) -> None:
    """Let the new address count: sign-in name and verified address change together.

    Every session but `keep` ends, and both addresses are told.  Raises NotFound for a link that
    is not this user's, expired or used; Conflict when somebody took the address meanwhile.
    """
    user = User.objects.select_for_update().get(pk=user.pk)
    change = email_change_waiting(user=user, token=token)
    if email_is_taken(change.email, but=user):
        raise _taken()
    change.former_email, change.confirmed_at = user.email, timezone.now()
    change.save(update_fields=["former_email", "confirmed_at", "updated_at"])
    user.email = change.email
    try:
        with transaction.atomic():
            user.save(update_fields=["email"])
            EmailAddress.objects.filter(user=user).delete()
            EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    except IntegrityError as error:
        raise _taken() from error
    sessions_end(actor=user, user_id=user.pk, reason="EMAIL_CHANGED", keep=keep)
    emit(
        EmailChanged(stream=user.stream, user_id=str(user.pk), change_id=str(change.pk)),
        actor=user,
    )


def _count(user: User) -> None:
    """Count a mail to an address that the user names; raises TooManyAttempts, Unavailable."""
    key = ASKED.key(str(user.pk))
    with counting():
        cache.add(key, 0, timeout=ASKED.window_seconds * 2)
        if cache.incr(key) > ASKED.attempts:
            raise TooManyAttempts(ASKED.seconds_left)


def _taken() -> Conflict:
    return Conflict("This address cannot be used.", code="email_taken")


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode(errors="replace")).digest()
