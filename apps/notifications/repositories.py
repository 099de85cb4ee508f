"""Questions to the notifications."""

from typing import TYPE_CHECKING, Self
from uuid import UUID

from django.db import models
from django.db.models.functions import Now

if TYPE_CHECKING:
    from apps.notifications.models import Notification, Webhook, WebhookDelivery


class NotificationQuerySet(models.QuerySet["Notification"]):
    def of(self, user_id: UUID) -> Self:
        return self.filter(user_id=user_id)

    def unread(self) -> Self:
        return self.filter(read_at=None)

    def newest(self) -> "Notification | None":
        return self.order_by("-created_at").first()


class WebhookQuerySet(models.QuerySet["Webhook"]):
    def of(self, user_id: UUID) -> Self:
        return self.filter(user_id=user_id, revoked_at=None)

    def that_hear(self, user_id: UUID, event_type: str) -> Self:
        hearing = self.of(user_id).filter(disabled_at=None, events__contains=[event_type])
        return hearing.filter(user__is_active=True)

    def locked(self, user_id: UUID, webhook_id: UUID) -> "Webhook | None":
        return self.of(user_id).filter(pk=webhook_id).select_for_update(of=("self",)).first()


class WebhookDeliveryQuerySet(models.QuerySet["WebhookDelivery"]):
    def due(self) -> Self:
        """Those whose time has come, at webhooks that are on and do not pause."""
        waits = models.Q(webhook__paused_until=None) | models.Q(webhook__paused_until__lte=Now())
        live = self.filter(
            webhook__revoked_at=None, webhook__disabled_at=None, webhook__user__is_active=True
        )
        return live.filter(waits, status="PENDING", next_attempt_at__lte=Now())

    def locked_due(self, delivery_id: UUID) -> "WebhookDelivery | None":
        """Load a due delivery for writing; None where another worker has it."""
        due = self.due().select_related("webhook").filter(pk=delivery_id)
        return due.select_for_update(of=("self",), skip_locked=True).first()
