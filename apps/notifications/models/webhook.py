"""Where a client's program hears what happened, and what it was told."""

from collections.abc import Sequence

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models

from apps.core.models import BaseModel
from apps.infrastructure.encryption import EncryptedTextField
from apps.notifications.repositories import WebhookDeliveryQuerySet, WebhookQuerySet


class Webhook(BaseModel):
    """One address of a client; `failures` counts the tries in a row that did not arrive.

    `paused_until` is the circuit breaker of this address, shared by all workers.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    url: "EncryptedTextField[str, str]" = EncryptedTextField()
    secret: "EncryptedTextField[str, str]" = EncryptedTextField(data_class="credentials")
    events: "ArrayField[Sequence[str], list[str]]" = ArrayField(models.CharField(max_length=30))
    failures = models.PositiveIntegerField(default=0)
    paused_until = models.DateTimeField(null=True)
    disabled_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    objects = WebhookQuerySet.as_manager()

    class Meta:
        indexes = (
            models.Index(
                fields=["user"], name="notifications_hook_live", condition=models.Q(revoked_at=None)
            ),
        )

    def __str__(self) -> str:
        return str(self.id)


class WebhookDelivery(BaseModel):
    """One event for one webhook: the text that is sent, and how far it came."""

    class Status(models.TextChoices):
        PENDING = "PENDING"
        DELIVERED = "DELIVERED"
        FAILED = "FAILED"

    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="deliveries")
    event_id = models.UUIDField()
    event_type = models.CharField(max_length=30)
    body = models.TextField()
    status = models.CharField(max_length=9, choices=Status, default=Status.PENDING)
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField(auto_now_add=True)
    response_status = models.PositiveIntegerField(null=True)
    error_code = models.CharField(max_length=40, blank=True)
    delivered_at = models.DateTimeField(null=True)

    objects = WebhookDeliveryQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["webhook", "event_id"], name="notifications_hook_once"),
        )
        indexes = (
            models.Index(
                fields=["next_attempt_at"],
                name="notifications_hook_due",
                condition=models.Q(status="PENDING"),
            ),
        )

    def __str__(self) -> str:
        return f"{self.event_type}: {self.status}"
