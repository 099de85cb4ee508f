"""Questions to the tables of users and their API sessions."""

from typing import TYPE_CHECKING, Self
from uuid import UUID

from django.db import models
from django.db.models.functions import Now

if TYPE_CHECKING:
    from apps.users.models import ApiKey, ApiSession


class ApiSessionQuerySet(models.QuerySet["ApiSession"]):
    def live(self) -> Self:
        """Neither revoked nor past its absolute end, and the user may still sign in."""
        return self.filter(revoked_at=None, expires_at__gt=Now(), user__is_active=True)

    def find(self, session_id: UUID) -> "ApiSession | None":
        return self.select_related("user").filter(pk=session_id).first()


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    def live(self) -> Self:
        """Neither revoked nor expired, and the client may still sign in."""
        return self.filter(revoked_at=None, expires_at__gt=Now(), user__is_active=True)

    def by_hash(self, key_hash: bytes) -> "ApiKey | None":
        return self.select_related("user").filter(key_hash=key_hash).first()
