"""The sessions that a sign-in opens: in the portal and over the API."""

from collections.abc import Sequence

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from apps.core.models import BaseModel
from apps.infrastructure.encryption import EncryptedTextField
from apps.users.repositories import (
    ApiSessionQuerySet,
    PortalSessionQuerySet,
)


class ApiSession(BaseModel):
    """One sign-in to the API: the family of all refresh tokens that grew from it.

    `methods` says how the user proved who they are (`pwd`, `otp`; RFC 8176).  `fingerprint` is
    the user's session hash at sign-in: another password ends the session.  `second_factor_at` is
    when the second factor was last proven in it.
    """

    user = models.ForeignKey("users.User", on_delete=models.PROTECT, related_name="+")
    methods: "ArrayField[Sequence[str], list[str]]" = ArrayField(models.CharField(max_length=10))
    fingerprint = models.CharField(max_length=64)
    user_agent: "EncryptedTextField[str, str]" = EncryptedTextField(
        data_class="identity", blank=True, default=""
    )
    address: "EncryptedTextField[str, str]" = EncryptedTextField(
        data_class="identity", blank=True, default=""
    )
    last_used_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    second_factor_at = models.DateTimeField(null=True)

    objects = ApiSessionQuerySet.as_manager()

    class Meta:
        indexes = (
            models.Index(
                fields=["user"], name="users_apisession_live", condition=models.Q(revoked_at=None)
            ),
        )

    def __str__(self) -> str:
        return str(self.id)


class PortalSession(BaseModel):
    """What a browser's cookie stands for; the row is the session, and deleting it ends it.

    The table has the key's SHA-256 and never the key, so nobody can sign in with what it holds.
    `user` is empty until somebody has signed in.  `expires_at` is the idle or the absolute limit,
    whichever comes first.
    """

    key_hash = models.BinaryField(max_length=32, unique=True)
    user = models.ForeignKey("users.User", on_delete=models.CASCADE, null=True, related_name="+")
    data: "EncryptedTextField[str, str]" = EncryptedTextField(data_class="sessions")
    methods: "ArrayField[Sequence[str], list[str]]" = ArrayField(
        models.CharField(max_length=10), default=list
    )
    user_agent: "EncryptedTextField[str, str]" = EncryptedTextField(
        data_class="identity", blank=True, default=""
    )
    address: "EncryptedTextField[str, str]" = EncryptedTextField(
        data_class="identity", blank=True, default=""
    )
    signed_in_at = models.DateTimeField(default=timezone.now)
    last_used_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(db_index=True)

    objects = PortalSessionQuerySet.as_manager()

    def __str__(self) -> str:
        return str(self.id)


class RefreshToken(BaseModel):
    """One refresh token, as its SHA-256; it is used once, and its second use ends the family."""

    session = models.ForeignKey(ApiSession, on_delete=models.CASCADE, related_name="tokens")
    token_hash = models.BinaryField(max_length=32, unique=True)
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return str(self.id)
