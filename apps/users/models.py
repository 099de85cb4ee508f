"""Who signs in, and the API sessions that a sign-in opens."""

import base64
import time
import uuid
from collections.abc import Sequence
from datetime import datetime
from functools import cached_property
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django_otp.models import Device
from django_otp.oath import TOTP

from apps.core.errors import NotPermitted
from apps.core.models import BaseModel
from apps.infrastructure.encryption import BlindIndexField, EncryptedTextField, normal_form
from apps.users.domain.roles import Role
from apps.users.repositories import (
    AdviserAssignmentQuerySet,
    ApiKeyQuerySet,
    ApiSessionQuerySet,
    PortalSessionQuerySet,
)

STEP_SECONDS = 30
CODE_DIGITS = 6


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def named(self, name: str) -> "list[User]":
        """Return the users of that name, whatever its case: by the blind index, then by reading."""
        index = User._meta.get_field("display_name_index")
        rows = self.filter(display_name_index=index.digest(name))
        return [row for row in rows if normal_form(row.display_name) == normal_form(name)]

    def find_by_email(self, email: str) -> "User | None":
        return self.filter(email=email.lower()).first()

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Refuse: nobody may do everything; `administrator_add` makes who gives the roles."""
        raise NotPermitted("Nobody here may do everything; use administrator_add.")


class User(AbstractBaseUser, PermissionsMixin):
    """A person who signs in: client, adviser or staff.  The legal name lives in the KYC record."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField(unique=True)
    display_name = EncryptedTextField(data_class="identity", max_length=100, blank=True)
    display_name_index = BlindIndexField(of="display_name")
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    date_joined = models.DateTimeField(default=timezone.now)
    # Django's superuser passes every check; the column is taken away, so that there can be none.
    is_superuser: Any = False

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


class OwnDevice(Device):
    """What the devices of the second factor share: django-otp's columns, and since when."""

    user: "models.ForeignKey[User, User]" = models.ForeignKey(
        "users.User", on_delete=models.CASCADE, related_name="+"
    )
    created_at: "models.DateTimeField[datetime, datetime]" = models.DateTimeField(
        default=timezone.now
    )

    class Meta:
        abstract = True


class TotpDevice(OwnDevice):
    """An authenticator app (RFC 6238: SHA-1, six digits, 30 seconds); its secret is encrypted.

    `secret` is base32, `last_step` the time step of the last code that was accepted.  A user has
    one confirmed app at most.
    """

    row: "models.UUIDField[uuid.UUID, uuid.UUID]" = models.UUIDField(
        default=uuid.uuid4, unique=True, editable=False
    )
    secret: "EncryptedTextField[str, str]" = EncryptedTextField(data_class="credentials", row="row")
    last_step: "models.BigIntegerField[int, int]" = models.BigIntegerField(default=-1)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["user"], condition=models.Q(confirmed=True), name="users_totpdevice_one"
            ),
        )

    @property
    def key(self) -> bytes:
        return base64.b32decode(self.secret + "=" * (-len(self.secret) % 8))

    def verify_token(self, token: str) -> bool:
        """Accept the code of this very time step, once; the caller holds the row's lock.

        Not a step earlier or later: a code lives for 30 seconds and no longer.
        """
        totp = TOTP(self.key, step=STEP_SECONDS, digits=CODE_DIGITS)
        totp.time = time.time()
        step = totp.t()
        if step <= self.last_step or not constant_time_compare(
            f"{totp.token():0{CODE_DIGITS}d}", token
        ):
            return False
        self.last_step = step
        self.save(update_fields=["last_step"])
        return True


class Passkey(OwnDevice):
    """A passkey or security key (WebAuthn): here is its public half only.

    `sign_count` stays 0 with passkeys that are synchronised between devices.
    """

    credential_id: "models.BinaryField[bytes, bytes]" = models.BinaryField(
        max_length=1023, unique=True
    )
    public_key: "models.BinaryField[bytes, bytes]" = models.BinaryField(max_length=2000)
    sign_count: "models.BigIntegerField[int, int]" = models.BigIntegerField(default=0)
    is_backed_up: "models.BooleanField[bool, bool]" = models.BooleanField(default=False)
    last_used_at: "models.DateTimeField[datetime | None, datetime | None]" = models.DateTimeField(
        null=True
    )


class RecoverySheet(OwnDevice):
    """The recovery codes of one user, for the day on which every other device is lost."""

    class Meta:
        constraints = (models.UniqueConstraint(fields=["user"], name="users_recoverysheet_one"),)

    def verify_token(self, token: str) -> bool:
        """Accept the hash of a code that is left, once; the caller holds the row's lock."""
        count: int = self.codes.filter(code_hash=token).delete()[0]
        return count == 1


class RecoveryCode(models.Model):
    """One code that is left, as a keyed hash (HMAC-SHA-256) of the user and its 80 random bits."""

    sheet = models.ForeignKey(RecoverySheet, on_delete=models.CASCADE, related_name="codes")
    code_hash = models.CharField(max_length=64, unique=True)

    def __str__(self) -> str:
        return str(self.pk)


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


class EmailChange(BaseModel):
    """Another e-mail address that a user asked for; it counts from the moment it is confirmed.

    `token_hash` is the SHA-256 of what the mail to the new address holds.  `former_email` is the
    address before, which is told of the change too.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    email: "EncryptedTextField[str, str]" = EncryptedTextField(data_class="identity")
    former_email: "EncryptedTextField[str, str]" = EncryptedTextField(data_class="identity")
    token_hash = models.BinaryField(max_length=32, unique=True)
    expires_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["user"],
                condition=models.Q(confirmed_at=None),
                name="users_emailchange_one",
            ),
        )

    def __str__(self) -> str:
        return str(self.id)


class AccessChange(BaseModel):
    """What gives somebody more access: proposed by one administrator, confirmed by another."""

    class Kind(models.TextChoices):
        GIVE_ROLE = "GIVE_ROLE", "Give a role"
        ENABLE_USER = "ENABLE_USER", "Enable the user"
        RESET_SECOND_FACTOR = "RESET_SECOND_FACTOR", "Remove a lost second factor"

    class Status(models.TextChoices):
        PROPOSED = "PROPOSED"
        CONFIRMED = "CONFIRMED"
        DECLINED = "DECLINED"

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="access_changes")
    kind = models.CharField(max_length=30, choices=Kind.choices)
    role = models.CharField(max_length=30, blank=True)
    reason: "EncryptedTextField[str, str]" = EncryptedTextField()
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PROPOSED)
    proposed_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    decided_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                name="users_access_four_eyes",
                condition=~models.Q(status="CONFIRMED")
                | (
                    models.Q(decided_by__isnull=False)
                    & ~models.Q(decided_by=models.F("proposed_by"))
                ),
            ),
            models.CheckConstraint(
                name="users_access_not_own",
                condition=~models.Q(proposed_by=models.F("user"))
                & (models.Q(decided_by=None) | ~models.Q(decided_by=models.F("user"))),
            ),
            models.UniqueConstraint(
                fields=["user", "kind", "role"],
                condition=models.Q(status="PROPOSED"),
                name="users_access_once",
            ),
        )

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.role}".strip()


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


class AdviserAssignment(BaseModel):
    """An adviser reads the client's account from `created_at` until `ended_at`; rows are kept."""

    adviser = models.ForeignKey("users.User", on_delete=models.PROTECT, related_name="+")
    client = models.ForeignKey("users.User", on_delete=models.PROTECT, related_name="+")
    ended_at = models.DateTimeField(null=True)

    objects = AdviserAssignmentQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["adviser", "client"],
                name="users_adviser_once",
                condition=models.Q(ended_at=None),
            ),
            models.CheckConstraint(
                condition=~models.Q(adviser=models.F("client")), name="users_adviser_other"
            ),
        )

    def __str__(self) -> str:
        return f"{self.adviser} for {self.client}"

    @property
    def stream(self) -> str:
        return f"adviser-assignment-{self.pk}"
