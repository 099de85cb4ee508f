"""Commands that bring people in."""

from collections.abc import Iterable
from uuid import UUID

from allauth.account.models import EmailAddress
from django.contrib.auth.models import Group
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from apps.audit.services import emit
from apps.core.commands import command
from apps.core.errors import Conflict, InvalidInput
from apps.users.domain.roles import STAFF_ROLES, Role
from apps.users.events import PasswordChanged, UserRegistered
from apps.users.models import User
from apps.users.services.second_factor import totp_provision
from apps.users.services.sessions import sessions_end


@command
def user_register(*, user: User) -> User:
    """Make a client of somebody who has just signed up by themselves (saved, password set)."""
    _assign_roles(user, {Role.CLIENT})
    emit(
        UserRegistered(stream=user.stream, user_id=str(user.pk), roles=[Role.CLIENT.value]),
        actor=user,
    )
    return user


@command
def user_provision(
    *,
    email: str,
    password: str,
    display_name: str,
    roles: Iterable[Role],
    with_totp: bool,
    actor: User | None = None,
) -> tuple[User, str | None]:
    """Create a user whose e-mail counts as verified; return them and the TOTP secret in base32.

    For operators, seeds and tests.  Raises InvalidInput (field in the facts) for an e-mail or
    password that sign-up would refuse, Conflict when the e-mail is taken.
    """
    chosen = {Role(role) for role in roles}
    _check_credentials(email, password)
    if User.objects.find_by_email(email) is not None:
        raise Conflict("Somebody has this e-mail address already.", code="email_taken")
    user = User.objects.create_user(
        email=email,
        password=password,
        display_name=display_name,
        is_staff=bool(chosen & STAFF_ROLES),
    )
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    _assign_roles(user, chosen)
    secret = totp_provision(user=user) if with_totp else None
    emit(
        UserRegistered(
            stream=user.stream,
            user_id=str(user.pk),
            roles=sorted(role.value for role in chosen),
        ),
        actor=actor,
    )
    return user, secret


@command
def password_set(*, user: User, password: str, keep: UUID | None = None) -> None:
    """Set a password that was checked before; every session of the user but `keep` ends."""
    user.set_password(password)
    user.save(update_fields=["password"])
    sessions_end(actor=user, user_id=user.pk, reason="PASSWORD_CHANGED", keep=keep)
    emit(PasswordChanged(stream=user.stream, user_id=str(user.pk)), actor=user)


def _check_credentials(email: str, password: str) -> None:
    try:
        validate_email(email)
    except ValidationError as error:
        raise InvalidInput("This is not an e-mail address.", field="email") from error
    try:
        validate_password(password, User(email=email))
    except ValidationError as error:
        raise InvalidInput(" ".join(error.messages), field="password") from error


def _assign_roles(user: User, roles: Iterable[Role]) -> None:
    user.groups.set([Group.objects.get_or_create(name=role.value)[0] for role in roles])
    vars(user).pop("role_names", None)
