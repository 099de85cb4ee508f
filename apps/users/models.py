"""Who signs in, and the API sessions that a sign-in opens."""

import uuid
from collections.abc import Sequence
from functools import cached_property
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from apps.core.models import BaseModel
from apps.users.domain.roles import Role
from apps.users.repositories import ApiKeyQuerySet, ApiSessionQuerySet


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def find_by_email(self, email: str) -> "User | None":
        return self.filter(email=email.lower()).first()

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class User(AbstractBaseUser, PermissionsMixin):
    """A person who signs in: client, adviser or staff.  The legal name lives in the KYC record."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField(unique=True)
    display_name = models.CharField(max_length=100, blank=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    date_joined = models.DateTimeField(default=timezone.now)

    objects: ClassVar[UserManager] = UserManager()

    # The one mode of portfolios that this object reaches, "" for both: an API key sets it.
    reach: str = ""

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints = (models.UniqueConstraint(Lower("email"), name="users_email_lower"),)

    def __str__(self) -> str:
        return self.email

    def get_full_name(self) -> str:
        return self.display_name or self.email

    def get_short_name(self) -> str:
        return self.get_full_name()

    @cached_property
    def role_names(self) -> frozenset[str]:
        """The names of the user's groups, read once for this object's life."""
        return frozenset(self.groups.values_list("name", flat=True))

    def has_role(self, role: Role) -> bool:
        """Tell whether the user has the role; a deactivated user has none."""
        return self.is_active and role.value in self.role_names

    @property
    def stream(self) -> str:
        return f"user-{self.pk}"


class ApiSession(BaseModel):
    """One sign-in to the API: the family of all refresh tokens that grew from it.

    `methods` says how the user proved who they are (`pwd`, `otp`; RFC 8176).  `fingerprint` is
    the user's session hash at sign-in: another password ends the session.  `second_factor_at` is
    when the second factor was last proven in it.
    """

    user = models.ForeignKey("users.User", on_delete=models.PROTECT, related_name="+")
    methods: "ArrayField[Sequence[str], list[str]]" = ArrayField(models.CharField(max_length=10))
    fingerprint = models.CharField(max_length=64)
    user_agent = models.CharField(max_length=200, blank=True)
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


class RefreshToken(BaseModel):
    """One refresh token, as its SHA-256; it is used once, and its second use ends the family."""

    session = models.ForeignKey(ApiSession, on_delete=models.CASCADE, related_name="tokens")
    token_hash = models.BinaryField(max_length=32, unique=True)
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return str(self.id)


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
