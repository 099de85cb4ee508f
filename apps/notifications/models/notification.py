"""What a person is told."""

from django.conf import settings
from django.db import models

from apps.core.models import BaseModel
from apps.infrastructure.encryption import EncryptedTextField
from apps.notifications.repositories import NotificationQuerySet


class Notification(BaseModel):
    """One message to one person about one event; `body_code` names the text for the kind.

    `also_to` is an address, not the user's any more, that the mail goes to as well.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=30)
    title = EncryptedTextField(data_class="notifications", max_length=120)
    body = EncryptedTextField(data_class="notifications", max_length=1000)
    body_code = models.CharField(max_length=50)
    also_to = EncryptedTextField(data_class="notifications", null=True)
    event_id = models.UUIDField()
    read_at = models.DateTimeField(null=True)
    mailed_at = models.DateTimeField(null=True)

    objects = NotificationQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at", "-id")
        constraints = (
            models.UniqueConstraint(fields=["user", "event_id"], name="notifications_once"),
        )
        indexes = (models.Index(fields=["user", "-created_at"], name="notifications_user"),)

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"
