"""Accounts at identity providers that open an account here."""

import hashlib
from uuid import UUID

from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction

from apps.audit.services import emit
from apps.core.commands import command
from apps.core.errors import Conflict, NotFound, NotPermitted
from apps.users.events import SocialAccountChanged
from apps.users.models import User
from apps.users.selectors import email_is_taken
from apps.users.services.accounts import user_register
from apps.users.services.sessions import sessions_end


def subject_key(*, issuer: str, subject: str) -> str:
    """Return what is kept of an identity: no name, and nothing that fits another issuer."""
    return hashlib.sha256(f"{issuer}\n{subject}".encode()).hexdigest()


@command
def social_user_get(*, provider: str, uid: str, email: str) -> User:
    """Return whose account this identity opens; make a client of somebody new.

    `email` is what the provider has verified, or "".  The address never leads to an existing
    account: its owner signs in and connects the provider.  Raises NotPermitted
    (`staff_not_federated`, `email_not_verified`), Conflict `email_taken`.
    """
    known = SocialAccount.objects.filter(provider=provider, uid=uid).select_related("user").first()
    if known is not None:
        owner: User = known.user
        _refuse_staff(owner)
        return owner
    try:
        validate_email(email)
    except ValidationError as error:
        raise NotPermitted(
            "The provider has not verified your e-mail address. Open an account with a password.",
            code="email_not_verified",
        ) from error
    if email_is_taken(email):
        raise _taken()
    try:
        with transaction.atomic():
            user = User.objects.create_user(email=email)
            EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
            SocialAccount.objects.create(user=user, provider=provider, uid=uid)
    except IntegrityError as error:
        raise _taken() from error
    user_register(user=user)
    _changed(user, provider, "CONNECTED")
    return user


@command
def social_connect(*, user: User, provider: str, uid: str) -> None:
    """Let this identity open the user's account.  The caller has checked a fresh second factor.

    Raises NotPermitted for staff, Conflict when it opens an account already or the user has
    another identity at this provider.
    """
    user = User.objects.select_for_update().get(pk=user.pk)
    _refuse_staff(user)
    if SocialAccount.objects.filter(user=user, provider=provider).exists():
        raise Conflict("You have connected this provider already.", code="already_connected")
    try:
        with transaction.atomic():
            SocialAccount.objects.create(user=user, provider=provider, uid=uid)
    except IntegrityError as error:
        raise Conflict("This opens another account.", code="connected_elsewhere") from error
    _changed(user, provider, "CONNECTED")


@command
def social_disconnect(*, user: User, provider: str, keep: UUID | None) -> None:
    """Let the provider open the account no more; every session but `keep` ends.

    Raises NotFound, and Conflict for who has no password to sign in with.
    """
    user = User.objects.select_for_update().get(pk=user.pk)
    if not user.has_usable_password():
        raise Conflict("Choose a password first.", code="no_password")
    deleted, _ = SocialAccount.objects.filter(user=user, provider=provider).delete()
    if not deleted:
        raise NotFound("You have not connected this provider.")
    sessions_end(actor=user, user_id=user.pk, reason="SOCIAL_ACCOUNT_CHANGED", keep=keep)
    _changed(user, provider, "DISCONNECTED")


def _refuse_staff(user: User) -> None:
    if user.is_staff:
        raise NotPermitted("Staff sign in with their password.", code="staff_not_federated")


def _taken() -> Conflict:
    return Conflict(
        "Somebody has an account with this e-mail address. If it is yours, sign in with your "
        "password and connect the provider in the security settings.",
        code="email_taken",
    )


def _changed(user: User, provider: str, change: str) -> None:
    emit(
        SocialAccountChanged(
            stream=user.stream, user_id=str(user.pk), provider=provider, change=change
        ),
        actor=user,
    )
