"""Questions to the tables of users and their sessions."""

from datetime import timedelta
from typing import TYPE_CHECKING, Self
from uuid import UUID

from django.conf import settings
from django.db import models
from django.utils import timezone

from apps.core.errors import NotFound
from apps.users.domain.roles import Role

if TYPE_CHECKING:
    from apps.users.models import (
        AdviserAssignment,
        ApiKey,
        ApiSession,
        PortalSession,
        User,
    )


class ApiSessionQuerySet(models.QuerySet["ApiSession"]):
    def live(self) -> Self:
        """Neither revoked, idle for too long nor past the absolute end, of an active user."""
        now, idle = timezone.now(), settings.SESSION_IDLE_SECONDS
        is_used = models.Q()
        for is_staff in (True, False):
            since = now - timedelta(seconds=idle["staff" if is_staff else "client"])
            is_used |= models.Q(user__is_staff=is_staff, last_used_at__gt=since)
        return self.filter(is_used, revoked_at=None, expires_at__gt=now, user__is_active=True)

    def find(self, session_id: UUID) -> "ApiSession | None":
        return self.select_related("user").filter(pk=session_id).first()


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    def live(self) -> Self:
        """Neither revoked nor expired, and the client may still sign in."""
        return self.filter(revoked_at=None, expires_at__gt=timezone.now(), user__is_active=True)

    def by_hash(self, key_hash: bytes) -> "ApiKey | None":
        return self.select_related("user").filter(key_hash=key_hash).first()


class PortalSessionQuerySet(models.QuerySet["PortalSession"]):
    def live(self) -> Self:
        return self.filter(expires_at__gt=timezone.now())

    def of(self, user_id: UUID) -> Self:
        return self.filter(user_id=user_id)

    def find(self, key_hash: bytes) -> "PortalSession | None":
        return self.live().filter(key_hash=key_hash).first()


class AdviserAssignmentQuerySet(models.QuerySet["AdviserAssignment"]):
    def live(self) -> Self:
        return self.filter(ended_at=None)

    def of(self, adviser: "User") -> Self:
        """Keep the live assignments of somebody who is an adviser now; nothing of anybody else."""
        is_adviser = adviser.has_role(Role.ADVISER)
        return self.live().filter(adviser=adviser) if is_adviser else self.none()

    def locked(self, assignment_id: UUID) -> "AdviserAssignment":
        """Return the assignment under its row lock; raises NotFound."""
        row = self.select_for_update(of=("self",)).filter(pk=assignment_id).first()
        if row is None:
            raise NotFound("There is no such assignment.")
        return row
