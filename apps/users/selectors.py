"""Queries about users: read, never write."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import django_otp
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.base import SessionBase
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django_otp.models import Device

from apps.core.errors import NotFound
from apps.users.domain.roles import Role
from apps.users.domain.sessions import country_of, device_words, place_words
from apps.users.models import (
    AdviserAssignment,
    ApiKey,
    ApiSession,
    EmailChange,
    Passkey,
    PortalSession,
    RecoveryCode,
    RecoverySheet,
    TotpDevice,
    User,
)
from apps.users.repositories import ApiKeyQuerySet

PENDING_LIFE = timedelta(minutes=15)


@dataclass(frozen=True, kw_only=True)
class Account:
    id: UUID
    email: str
    display_name: str
    roles: list[str]
    has_second_factor: bool


@dataclass(frozen=True, kw_only=True)
class SessionView:
    """One sign-in, as its owner sees it; `kind` is PORTAL or API."""

    id: UUID
    kind: str
    methods: list[str]
    device: str
    address: str
    country: str
    place: str
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    is_current: bool


def user_get(user_id: UUID) -> User:
    """Return the user; raise NotFound."""
    user = User.objects.filter(pk=user_id).first()
    if user is None:
        raise NotFound("There is no such user.")
    return user


def role_holders(role: Role) -> list[UUID]:
    """Return the active users (by id) who have the role."""
    rows = User.objects.filter(groups__name=role, is_active=True)
    return list(rows.order_by("pk").values_list("pk", flat=True))


def email_former_get(change_id: UUID) -> str:
    """Return the e-mail address that the user had before the change; "" for no such change."""
    change = EmailChange.objects.filter(pk=change_id).first()
    return change.former_email if change is not None else ""


def email_is_taken(email: str, *, but: User | None = None) -> bool:
    """Tell whether somebody (else) signs in with the address or has confirmed it."""
    users = User.objects.filter(email=email)
    addresses = EmailAddress.objects.filter(email=email, verified=True)
    if but is not None:
        users, addresses = users.exclude(pk=but.pk), addresses.exclude(user=but)
    return bool(users.exists() or addresses.exists())


def social_provider_names(user: User) -> frozenset[str]:
    """Return the ids of the identity providers that open the user's account."""
    accounts = SocialAccount.objects.filter(user=user)
    return frozenset(accounts.values_list("provider", flat=True))


def user_has_second_factor(user: User) -> bool:
    """Tell whether the user has an app or a passkey; recovery codes alone are none."""
    return user_has_totp(user) or user_has_passkey(user)


def user_has_totp(user: User) -> bool:
    return bool(TotpDevice.objects.filter(user=user, confirmed=True).exists())


def user_has_passkey(user: User) -> bool:
    return bool(Passkey.objects.filter(user=user, confirmed=True).exists())


def passkey_is_demanded(user: User) -> bool:
    """Tell whether codes do not suffice for the user: staff of a firm that demands passkeys."""
    return user.is_staff and bool(settings.STAFF_NEED_PASSKEY)


def passkey_list(user: User) -> list[Passkey]:
    """Return the user's passkeys, oldest first."""
    return list(Passkey.objects.filter(user=user).order_by("created_at"))


def device_after_renewal(user: User) -> Device:
    """Return by what the user's session goes on when the recovery codes have been made anew."""
    device: Device = getattr(user, "otp_device", None)
    return RecoverySheet.objects.get(user=user) if isinstance(device, RecoverySheet) else device


def totp_pending_get(user: User) -> TotpDevice | None:
    """Return the secret that waits for its first code; it waits for PENDING_LIFE."""
    waiting = TotpDevice.objects.filter(
        user=user, confirmed=False, created_at__gt=timezone.now() - PENDING_LIFE
    )
    device: TotpDevice | None = waiting.order_by("-created_at").first()
    return device


def recovery_codes_left(user: User) -> int:
    return RecoveryCode.objects.filter(sheet__user=user).count()


def session_is_verified(user: User) -> bool:
    """Tell whether the portal session that the user came by has passed the second factor."""
    return device_is_enough(user, getattr(user, "otp_device", None))


def proof_of(device: Device | None) -> list[str]:
    """Return how the device proves, in the words of RFC 8176: a code, or possession of a key."""
    if device is None:
        return []
    return ["pop"] if isinstance(device, Passkey) else ["otp"]


def user_has_enough(user: User) -> bool:
    """Tell whether the user has a device that suffices for them."""
    return user_has_passkey(user) if passkey_is_demanded(user) else user_has_second_factor(user)


def device_is_enough(user: User, device: Device | None) -> bool:
    """Tell whether this proof suffices: any device, or a passkey where one is demanded."""
    return device is not None and (isinstance(device, Passkey) or not passkey_is_demanded(user))


def second_factor_is_demanded(user: User) -> bool:
    """Staff always need it, clients from the moment that they have a device."""
    return user.is_staff or user_has_second_factor(user)


def api_session_get(session_id: UUID) -> ApiSession | None:
    """Return the live API session with its user; None when it ended or the password changed."""
    session = ApiSession.objects.live().find(session_id)
    if session is None:
        return None
    current = session.user.get_session_auth_hash()
    return session if constant_time_compare(session.fingerprint, current) else None


def session_list(user: User, *, current_id: UUID | None = None) -> list[SessionView]:
    """Return the user's live sessions, newest first; `current_id` names the asking one."""
    life = timedelta(seconds=settings.SESSION_COOKIE_AGE)
    views = [
        _session_view(row, "PORTAL", row.signed_in_at, row.signed_in_at + life, current_id)
        for row in PortalSession.objects.live().of(user.pk)
    ]
    views += [
        _session_view(row, "API", row.created_at, row.expires_at, current_id)
        for row in ApiSession.objects.live().filter(user=user)
    ]
    return sorted(views, key=lambda view: (view.created_at, str(view.id)), reverse=True)


def _session_view(
    row: PortalSession | ApiSession,
    kind: str,
    created_at: datetime,
    expires_at: datetime,
    current_id: UUID | None,
) -> SessionView:
    return SessionView(
        id=row.pk,
        kind=kind,
        methods=row.methods,
        device=device_words(row.user_agent),
        address=row.address,
        country=country_of(row.address),
        place=place_words(row.address),
        created_at=created_at,
        last_used_at=row.last_used_at,
        expires_at=expires_at,
        is_current=row.pk == current_id,
    )


def api_key_list(user: User) -> ApiKeyQuerySet:
    """Return the user's live API keys, newest first."""
    return ApiKey.objects.live().filter(user=user).order_by("-created_at", "id")


def portal_user_get(session: SessionBase) -> User | None:
    """Return whom a portal session belongs to, second factor verified; None otherwise.

    For connections that have a session and no request (WebSocket).
    """
    user_id = session.get(SESSION_KEY)
    if not user_id or not session.get(BACKEND_SESSION_KEY):
        return None
    user = User.objects.filter(pk=user_id, is_active=True).first()
    if user is None or not constant_time_compare(
        session.get(HASH_SESSION_KEY, ""), user.get_session_auth_hash()
    ):
        return None
    device_id = session.get(django_otp.DEVICE_ID_SESSION_KEY)
    device = Device.from_persistent_id(device_id) if device_id else None
    verified = device is not None and device.user_id == user.pk and device.confirmed
    verified = verified and device_is_enough(user, device)
    return user if verified or not second_factor_is_demanded(user) else None


def account_scope(user: User, path: str) -> Q:
    """Return the condition for the accounts that the user may read; `path` leads to the client.

    A client reads their own, an adviser those of assigned clients, an auditor all.  Somebody who
    is a client too reads only their own: advisers and auditors have a login for their work.
    """
    if not user.has_role(Role.CLIENT):
        if user.has_role(Role.AUDITOR):
            return Q()
        if user.has_role(Role.ADVISER):
            clients = AdviserAssignment.objects.of(user).values("client_id")
            return Q(**{f"{path}__in": clients})
    return Q(**{path: user})


def client_list(user: User) -> QuerySet[User]:
    """Return the clients whose accounts the user may read, by e-mail address."""
    return User.objects.filter(account_scope(user, "pk"), groups__name=Role.CLIENT).order_by(
        "email"
    )


def client_get(user: User, client_id: UUID) -> User:
    """Return the client if the user may read their account; raise NotFound otherwise."""
    client = client_list(user).filter(pk=client_id).first()
    if client is None:
        raise NotFound("There is no such client.")
    return client


def assignment_candidates() -> tuple[QuerySet[User], QuerySet[User]]:
    """Return the active advisers and the active clients, by e-mail address."""
    people = User.objects.filter(is_active=True).order_by("email")
    return people.filter(groups__name=Role.ADVISER), people.filter(groups__name=Role.CLIENT)


def account_get(user: User) -> Account:
    """Return what the user may know about their own account."""
    return Account(
        id=user.pk,
        email=user.email,
        display_name=user.display_name,
        roles=sorted(user.role_names),
        has_second_factor=user_has_second_factor(user),
    )
