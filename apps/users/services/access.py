"""Who may do what: what closes a door takes one administrator, what opens one takes two."""

from uuid import UUID

from django.contrib.auth.models import Group
from django.utils import timezone

from apps.audit.services import emit
from apps.core.commands import command
from apps.core.errors import Conflict, InvalidInput, NotFound, NotPermitted
from apps.users.domain.roles import STAFF_ROLES, Role
from apps.users.events import (
    AccessChangeDecided,
    AccessChangeProposed,
    PasswordExpired,
    RoleGiven,
    RoleRemoved,
    SecondFactorChanged,
    UserDisabled,
    UserEnabled,
)
from apps.users.models import AccessChange, Passkey, RecoverySheet, TotpDevice, User
from apps.users.selectors import user_has_second_factor
from apps.users.services.api_keys import api_keys_revoke_all
from apps.users.services.sessions import Reason, sessions_end

Kind = AccessChange.Kind
Status = AccessChange.Status
REASON_LENGTH = 500


@command
def role_remove(*, actor: User, user_id: UUID, role: Role) -> None:
    """Take a role away; sessions and API keys end.  Raises NotPermitted, NotFound, Conflict."""
    user = _subject(actor, user_id)
    if role.value not in user.role_names:
        raise Conflict("The user does not have this role.", code="role_missing")
    if role is Role.ADMINISTRATOR:
        _demand_another_administrator(user)
    user.groups.remove(Group.objects.get(name=role.value))
    _roles_changed(user)
    emit(RoleRemoved(stream=user.stream, user_id=str(user.pk), role=role.value), actor=actor)
    _shut_out(user, actor, "ROLES_CHANGED")


@command
def user_disable(*, actor: User, user_id: UUID) -> None:
    """Let the user in nowhere; what is open ends.  Raises NotPermitted, NotFound, Conflict."""
    user = _subject(actor, user_id)
    if not user.is_active:
        raise Conflict("The user is disabled already.", code="user_disabled")
    if Role.ADMINISTRATOR.value in user.role_names:
        _demand_another_administrator(user)
    user.is_active = False
    user.save(update_fields=["is_active"])
    emit(UserDisabled(stream=user.stream, user_id=str(user.pk)), actor=actor)
    _shut_out(user, actor, "USER_DISABLED")


@command
def password_expire(*, actor: User, user_id: UUID) -> User:
    """Make the password useless until its owner chooses another by mail; sessions and keys end.

    Return the user as they are now.  Raises NotPermitted, NotFound.
    """
    user = _subject(actor, user_id)
    user.set_unusable_password()
    user.save(update_fields=["password"])
    _shut_out(user, actor, "PASSWORD_EXPIRED")
    emit(PasswordExpired(stream=user.stream, user_id=str(user.pk)), actor=actor)
    return user


@command
def user_sessions_end(*, actor: User, user_id: UUID) -> int:
    """End the user's sessions, tokens and sockets; return how many.  Raises NotPermitted."""
    user = _subject(actor, user_id)
    return sessions_end(actor=actor, user_id=user.pk, reason="ADMINISTRATOR")


@command
def access_propose(
    *, actor: User, user_id: UUID, kind: str, role: str = "", reason: str
) -> AccessChange:
    """Propose what another administrator has to confirm.

    Raises InvalidInput, NotPermitted, NotFound; Conflict when it cannot happen or waits already.
    """
    user = _subject(actor, user_id)
    if kind not in Kind.values or (kind == Kind.GIVE_ROLE and role not in set(Role)):
        raise InvalidInput("There is no such change.", field="kind")
    if not reason.strip() or len(reason) > REASON_LENGTH:
        raise InvalidInput(f"Give a reason of at most {REASON_LENGTH} letters.", field="reason")
    role = role if kind == Kind.GIVE_ROLE else ""
    _demand_sense(user, kind, role)
    waiting = AccessChange.objects.filter(user=user, kind=kind, role=role, status=Status.PROPOSED)
    if waiting.exists():
        raise Conflict("This is proposed already.", code="already_proposed")
    change = AccessChange.objects.create(
        user=user, kind=kind, role=role, reason=reason.strip(), proposed_by=actor
    )
    emit(
        AccessChangeProposed(
            stream=user.stream,
            user_id=str(user.pk),
            change_id=str(change.pk),
            kind=kind,
            role=role,
        ),
        actor=actor,
    )
    return change


@command
def access_confirm(*, actor: User, change_id: UUID) -> None:
    """Carry out what another administrator proposed.  Raises NotPermitted, NotFound, Conflict."""
    change = _locked(change_id)
    user = _subject(actor, change.user_id)
    if change.proposed_by_id == actor.pk:
        raise NotPermitted("Another administrator has to confirm.", code="four_eyes")
    if not change.proposed_by.has_role(Role.ADMINISTRATOR):
        raise Conflict("Who proposed it is no administrator any more.", code="proposer_gone")
    _demand_sense(user, change.kind, change.role)
    _decide(change, actor, Status.CONFIRMED)
    if change.kind == Kind.GIVE_ROLE:
        user.groups.add(Group.objects.get(name=change.role))
        _roles_changed(user)
        emit(RoleGiven(stream=user.stream, user_id=str(user.pk), role=change.role), actor=actor)
        sessions_end(actor=actor, user_id=user.pk, reason="ROLES_CHANGED")
    elif change.kind == Kind.ENABLE_USER:
        user.is_active = True
        user.save(update_fields=["is_active"])
        emit(UserEnabled(stream=user.stream, user_id=str(user.pk)), actor=actor)
    else:
        TotpDevice.objects.filter(user=user).delete()
        Passkey.objects.filter(user=user).delete()
        RecoverySheet.objects.filter(user=user).delete()
        emit(
            SecondFactorChanged(stream=user.stream, user_id=str(user.pk), change="RESET"),
            actor=actor,
        )
        _shut_out(user, actor, "SECOND_FACTOR_CHANGED")


@command
def access_decline(*, actor: User, change_id: UUID) -> None:
    """Drop a proposal; who made it may take it back.  Raises NotPermitted, NotFound, Conflict."""
    change = _locked(change_id)
    _subject(actor, change.user_id)
    _decide(change, actor, Status.DECLINED)


def _shut_out(user: User, actor: User, reason: Reason) -> None:
    """End the user's sessions and API keys: neither comes back when the user does."""
    sessions_end(actor=actor, user_id=user.pk, reason=reason)
    api_keys_revoke_all(user=user, actor=actor, reason=reason)


def _decide(change: AccessChange, actor: User, status: AccessChange.Status) -> None:
    change.status, change.decided_by, change.decided_at = status, actor, timezone.now()
    change.save(update_fields=["status", "decided_by", "decided_at", "updated_at"])
    emit(
        AccessChangeDecided(
            stream=change.user.stream,
            user_id=str(change.user_id),
            change_id=str(change.pk),
            status=status.value,
        ),
        actor=actor,
    )


def _locked(change_id: UUID) -> AccessChange:
    change = AccessChange.objects.select_for_update(of=("self",)).filter(pk=change_id).first()
    if change is None:
        raise NotFound("There is no such proposal.")
    if change.status != Status.PROPOSED:
        raise Conflict("This is decided already.", code="already_decided")
    return change


def _subject(actor: User, user_id: UUID) -> User:
    """Return the locked user whom an administrator, and never they themselves, may manage."""
    if not actor.has_role(Role.ADMINISTRATOR):
        raise NotPermitted("Only an administrator may do this.")
    if actor.pk == user_id:
        raise NotPermitted("Nobody manages their own access.", code="own_access")
    user = User.objects.select_for_update().filter(pk=user_id).first()
    if user is None:
        raise NotFound("There is no such user.")
    return user


def _demand_sense(user: User, kind: str, role: str) -> None:
    if kind == Kind.GIVE_ROLE and role in user.role_names:
        raise Conflict("The user has this role already.", code="role_present")
    if kind == Kind.GIVE_ROLE and _mixes(user.role_names | {role}):
        raise Conflict("Nobody is client and staff at once.", code="roles_mixed")
    if kind == Kind.ENABLE_USER and user.is_active:
        raise Conflict("The user is not disabled.", code="user_active")
    if kind == Kind.RESET_SECOND_FACTOR and not user_has_second_factor(user):
        raise Conflict("The user has no second factor.", code="no_second_factor")


def _mixes(names: frozenset[str]) -> bool:
    return Role.CLIENT.value in names and bool(names & {role.value for role in STAFF_ROLES})


def _roles_changed(user: User) -> None:
    vars(user).pop("role_names", None)
    user.is_staff = bool(user.role_names & {role.value for role in STAFF_ROLES})
    user.save(update_fields=["is_staff"])


def _demand_another_administrator(user: User) -> None:
    """Raise Conflict for the last one; two at once wait for each other on the role's row."""
    group = Group.objects.select_for_update().get(name=Role.ADMINISTRATOR.value)
    if not User.objects.filter(groups=group, is_active=True).exclude(pk=user.pk).exists():
        raise Conflict("This is the last administrator.", code="last_administrator")
