"""Keys with which programs act for a client."""

from collections.abc import Sequence

from django.contrib.postgres.fields import ArrayField
from django.db import models

from apps.core.models import BaseModel
from apps.users.repositories import (
    ApiKeyQuerySet,
)


class ApiKey(BaseModel):
    """One key of a client for programs, as its SHA-256; it reaches portfolios of its mode only.

    `last_used_from` is a network, not an address.
    """

    user = models.ForeignKey("users.User", on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=60)
    mode = models.CharField(max_length=5)
    key_hash = models.BinaryField(max_length=32, unique=True)
    hint = models.CharField(max_length=12)
    scopes: "ArrayField[Sequence[str], list[str]]" = ArrayField(models.CharField(max_length=30))
    networks: "ArrayField[Sequence[str], list[str]]" = ArrayField(
        models.CharField(max_length=50), default=list
    )
    per_minute = models.PositiveIntegerField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)
    last_used_from = models.CharField(max_length=50, blank=True)

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=models.Q(mode__in=["PAPER", "LIVE"]), name="users_apikey_mode"
            ),
        )
        indexes = (
            models.Index(
                fields=["user"], name="users_apikey_live", condition=models.Q(revoked_at=None)
            ),
        )

    def __str__(self) -> str:
        return self.hint

    @property
    def principal(self) -> str:
        return f"key-{self.pk}"
