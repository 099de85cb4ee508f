"""The tables of notifications, under the one name that Django looks for."""

from apps.notifications.models.notification import Notification
from apps.notifications.models.webhook import Webhook, WebhookDelivery

__all__ = ["Notification", "Webhook", "WebhookDelivery"]
