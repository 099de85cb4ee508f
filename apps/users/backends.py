"""What Django calls backends: permissions from the table of roles, and the store of sessions."""

import hashlib
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import django_otp
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.backends import BaseBackend
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.base import CreateError, SessionBase, UpdateError
from django.contrib.sessions.exceptions import SessionInterrupted
from django.db import IntegrityError, transaction
from django.db.models import Model
from django.http import HttpRequest
from django.utils import timezone

from apps.infrastructure.realtime import sockets_recheck
from apps.users.domain.permissions import permissions_of
from apps.users.domain.sessions import METHODS_KEY, USER_AGENT_LENGTH, idle_end
from apps.users.models import PortalSession, User


class RoleBackend(BaseBackend):
    """Permissions come from `domain/permissions.py` alone; this backend authenticates nobody."""

    def get_all_permissions(
        self, user_obj: AbstractBaseUser | AnonymousUser, obj: Model | None = None
    ) -> set[str]:
        if not isinstance(user_obj, User) or not user_obj.is_active:
            return set()
        return set(permissions_of(user_obj.role_names))

    def has_perm(
        self,
        user_obj: AbstractBaseUser | AnonymousUser,
        perm: str,
        obj: Model | None = None,
    ) -> bool:
        return perm in self.get_all_permissions(user_obj)

    def has_module_perms(self, user_obj: Any, app_label: str) -> bool:
        """Tell the admin whether the user sees anything of this application."""
        return any(
            permission.startswith(f"{app_label}.")
            for permission in self.get_all_permissions(user_obj)
        )


TOUCH_SECONDS = 30
# What a save writes; where the sign-in came from stays as it was.
SAVED = ("data", "user", "methods", "signed_in_at", "last_used_at", "expires_at", "updated_at")


def _digest(session_key: str) -> bytes:
    return hashlib.sha256(session_key.encode(errors="replace")).digest()


class SessionStore(SessionBase):
    """Sessions in the table PortalSession, found by the hash of the browser's key.

    A session ends by its idle or absolute limit, or when its row is deleted; a request that is
    still under way cannot bring it back.
    """

    if TYPE_CHECKING:  # what SessionBase has and its type stubs lack

        def _get_session(self, no_load: bool = False) -> dict[str, Any]: ...

        def _get_new_session_key(self) -> str: ...

    def __init__(self, session_key: str | None = None) -> None:
        super().__init__(session_key)
        self._row: PortalSession | None = None
        self._user_agent, self._address, self._is_background = "", "", False

    @classmethod
    def by_id(cls, session_id: UUID) -> "SessionStore":
        """Return the live session of that id to read from; an empty one when it has ended."""
        store = cls()
        store._take(PortalSession.objects.live().filter(pk=session_id).first())
        return store

    @property
    def public_id(self) -> UUID | None:
        """The id by which the list of sessions names this one; None until somebody signs in."""
        self._get_session()
        row = self._current_row()
        return row.pk if row is not None and row.user_id is not None else None

    def _current_row(self) -> PortalSession | None:
        is_current = self._row and bytes(self._row.key_hash) == _digest(self.session_key or "")
        return self._row if is_current else None

    def describe(self, *, user_agent: str, address: str, is_background: bool) -> None:
        """Say who asks; a request in the background does not count as use."""
        self._user_agent = user_agent[:USER_AGENT_LENGTH]
        self._address = address
        self._is_background = is_background

    def touch(self) -> None:
        """Note that the signed-in user asked for something, at most every TOUCH_SECONDS."""
        row, now = self._current_row(), timezone.now()
        if row is None or row.user_id is None or self._is_background or self.modified:
            return
        if (now - row.last_used_at).total_seconds() >= TOUCH_SECONDS:
            PortalSession.objects.filter(pk=row.pk, key_hash=row.key_hash).update(
                last_used_at=now, expires_at=self._end(row.user_id, row.signed_in_at, now)
            )

    def load(self) -> dict[str, Any]:
        return self._take(PortalSession.objects.find(_digest(self.session_key or "")))

    def _take(self, row: PortalSession | None) -> dict[str, Any]:
        self._row = row
        if row is None:
            self._session_key = None
        self._session_cache: dict[str, Any] = {} if row is None else self.decode(row.data)
        return self._session_cache

    def exists(self, session_key: str) -> bool:
        return PortalSession.objects.filter(key_hash=_digest(session_key)).exists()

    def create(self) -> None:
        while True:
            self._session_key = self._get_new_session_key()
            try:
                self.save(must_create=True)
            except CreateError:
                continue
            self.modified = True
            return

    def save(self, must_create: bool = False) -> None:
        """Write the session; UpdateError when it has ended meanwhile, as Django expects it."""
        if self.session_key is None:
            self.create()
            return
        data = self._get_session(no_load=must_create)
        if must_create:
            self._insert(data)
        else:
            self._update(data)

    def _insert(self, data: dict[str, Any]) -> None:
        row = PortalSession(
            key_hash=_digest(self.session_key or ""),
            user_agent=self._user_agent,
            address=self._address,
        )
        self._fill(row, data)
        try:
            with transaction.atomic():
                row.save(force_insert=True)
        except IntegrityError as error:
            raise CreateError from error
        self._row = row

    def _update(self, data: dict[str, Any]) -> None:
        known = self._current_row()
        if known is None:
            raise UpdateError
        with transaction.atomic():
            mine = PortalSession.objects.filter(pk=known.pk, key_hash=known.key_hash)
            row = mine.select_for_update().first()
            if row is None:
                raise UpdateError
            self._fill(row, data)
            row.save(update_fields=SAVED)
        self._row = row

    def _fill(self, row: PortalSession, data: dict[str, Any]) -> None:
        now, user_id = timezone.now(), UUID(data[SESSION_KEY]) if SESSION_KEY in data else None
        if row.user_id != user_id:
            row.signed_in_at = now
        if not self._is_background or row._state.adding:
            row.last_used_at = now
        row.user_id = user_id
        proofs = {*data.get(METHODS_KEY, ()), *(("otp",) if _has_device(data) else ())}
        row.methods = sorted(proofs, reverse=True)
        row.data = self.encode(data)
        row.expires_at = self._end(user_id, row.signed_in_at, row.last_used_at)

    @staticmethod
    def _end(user_id: UUID | None, signed_in_at: datetime, last_used_at: datetime) -> datetime:
        is_staff = User.objects.filter(pk=user_id, is_staff=True).exists() if user_id else False
        return idle_end(
            signed_in_at=signed_in_at,
            last_used_at=last_used_at,
            idle_seconds=settings.SESSION_IDLE_SECONDS["staff" if is_staff else "client"],
            absolute_seconds=settings.SESSION_COOKIE_AGE,
        )

    def cycle_key(self) -> None:
        """Give the signed-in browser another key for the same row; SessionInterrupted if it ended.

        Before the sign-in the row is replaced by a new one.
        """
        is_signed_in = SESSION_KEY in self._get_session()
        row = self._current_row()
        if row is None or not is_signed_in:
            super().cycle_key()
            return
        key = self._get_new_session_key()
        mine = PortalSession.objects.filter(pk=row.pk, key_hash=row.key_hash)
        if not mine.update(key_hash=_digest(key)):
            raise SessionInterrupted("This session has ended.")
        row.key_hash = _digest(key)
        self._session_key, self.modified = key, True

    def delete(self, session_key: str | None = None) -> None:
        key = session_key or self.session_key
        row = PortalSession.objects.filter(key_hash=_digest(key)).first() if key else None
        if row is not None:
            row.delete()
            if row.user_id is not None:
                sockets_recheck(user_id=row.user_id)

    @classmethod
    def clear_expired(cls) -> None:
        PortalSession.objects.filter(expires_at__lt=timezone.now()).delete()


def session_describe(request: HttpRequest) -> None:
    """Tell the request's session who asks.

    What a page asks by itself, without its user, says so by `X-Background`.
    """
    if isinstance(request.session, SessionStore):
        request.session.describe(
            user_agent=request.headers.get("User-Agent", ""),
            address=str(request.META.get("REMOTE_ADDR", "")),
            is_background="X-Background" in request.headers,
        )


def _has_device(data: dict[str, Any]) -> bool:
    return bool(data.get(django_otp.DEVICE_ID_SESSION_KEY))
