"""Questions to the notifications."""

from uuid import UUID

from django.db.models import QuerySet

from apps.core.errors import NotFound
from apps.notifications.models import Notification, Webhook, WebhookDelivery
from apps.notifications.repositories import WebhookQuerySet
from apps.users.models import User


def notification_list(user: User) -> QuerySet[Notification]:
    """Return the user's own notifications, newest first."""
    return Notification.objects.of(user.pk)


def unread_count(user: User) -> int:
    return Notification.objects.of(user.pk).unread().count()


def webhook_list(user: User) -> WebhookQuerySet:
    """Return the user's webhooks that are not revoked, newest first."""
    return Webhook.objects.of(user.pk).order_by("-created_at", "id")


def webhook_get(user: User, webhook_id: UUID) -> Webhook:
    """Return the user's webhook; raise NotFound for anybody else's."""
    webhook = Webhook.objects.of(user.pk).filter(pk=webhook_id).first()
    if webhook is None:
        raise NotFound("There is no such webhook.")
    return webhook


def delivery_list(user: User, webhook_id: UUID) -> QuerySet[WebhookDelivery]:
    """Return what the user's webhook was told; raise NotFound for anybody else's."""
    return WebhookDelivery.objects.filter(webhook=webhook_get(user, webhook_id))
