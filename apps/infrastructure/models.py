"""Tables of the plumbing: answers kept for replay."""

from django.db import models
from django.db.models.functions import Now


class IdempotencyRecord(models.Model):
    """The answer to one POST of one principal, kept in the transaction that made it."""

    id = models.BigAutoField(primary_key=True)
    principal = models.CharField(max_length=64)
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(default=0)
    # Text, not jsonb, which would reorder the members: a replay equals the answer to the letter.
    body = models.TextField(blank=True)
    created_at = models.DateTimeField(db_default=Now(), db_index=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["principal", "key"], name="infrastructure_idempotency"),
        )

    def __str__(self) -> str:
        return f"{self.principal}: {self.status}"
