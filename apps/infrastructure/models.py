"""Tables of the plumbing: data keys, wrapped, and answers kept for replay."""

import uuid

from django.db import models
from django.db.models.functions import Now

from apps.infrastructure.encryption import EncryptedTextField


class DataKey(models.Model):
    """One version of one data class's key, wrapped by the key-encryption key `kek_id`.

    The highest version encrypts, all decrypt.  `retired_at` says that no stored value needs the
    key any more; it stays for the backups.  The database refuses to delete a key.
    """

    id = models.BigAutoField(primary_key=True)
    data_class = models.CharField(max_length=30)
    version = models.PositiveIntegerField()
    key_id = models.BinaryField(max_length=8, unique=True)
    wrapped = models.BinaryField(max_length=1000)
    kek_id = models.CharField(max_length=300)
    created_at = models.DateTimeField(db_default=Now())
    retired_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["data_class", "version"], name="infrastructure_datakey_version"
            ),
        )

    def __str__(self) -> str:
        return self.label

    @property
    def label(self) -> str:
        """What the wrapping authenticates: a key moved to another row does not unwrap."""
        return f"{self.data_class}:{self.version}:{bytes(self.key_id).hex()}"


class IdempotencyRecord(models.Model):
    """The answer to one POST of one principal, kept in the transaction that made it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    principal = models.CharField(max_length=64)
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(default=0)
    # Text, not jsonb, which would reorder the members: a replay equals the answer to the letter.
    body: "EncryptedTextField[str | None, str | None]" = EncryptedTextField(
        data_class="answers", null=True
    )
    created_at = models.DateTimeField(db_default=Now(), db_index=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["principal", "key"], name="infrastructure_idempotency"),
        )

    def __str__(self) -> str:
        return f"{self.principal}: {self.status}"
