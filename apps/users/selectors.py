"""Queries about users: read, never write."""

from uuid import UUID

import django_otp
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.base import SessionBase
from django.utils.crypto import constant_time_compare
from django_otp.models import Device

from apps.core.errors import NotFound
from apps.users.models import ApiSession, User


def user_get(user_id: UUID) -> User:
    """Return the user; raise NotFound."""
    user = User.objects.filter(pk=user_id).first()
    if user is None:
        raise NotFound("There is no such user.")
    return user


def user_has_second_factor(user: User) -> bool:
    """Tell whether the user has a confirmed device."""
    return bool(django_otp.user_has_device(user))


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


def api_session_list(user: User) -> list[ApiSession]:
    """Return the user's live API sessions, newest first."""
    return list(ApiSession.objects.live().filter(user=user).order_by("-created_at", "id"))


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
    return user if verified or not second_factor_is_demanded(user) else None
