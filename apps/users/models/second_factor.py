"""What a person proves their sign-in with, beside the password."""

import base64
import time
import uuid
from datetime import datetime

from django.db import models
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django_otp.models import Device
from django_otp.oath import TOTP

from apps.infrastructure.encryption import EncryptedTextField
from apps.users.models.user import User

STEP_SECONDS = 30
CODE_DIGITS = 6


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
