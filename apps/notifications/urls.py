"""Addresses of notifications."""

from django.urls import path

from apps.notifications.api.messages import NotificationListView, NotificationReadView
from apps.notifications.api.webhooks import (
    WebhookApi,
    WebhookDeliveryListApi,
    WebhookEnableApi,
    WebhookListApi,
    WebhookTestApi,
)

ONE = "webhooks/<uuid:webhook_id>"

urlpatterns = [
    path("notifications", NotificationListView.as_view(), name="notification-list"),
    path(
        "notifications/<uuid:notification_id>/read",
        NotificationReadView.as_view(),
        name="notification-read",
    ),
    path("webhooks", WebhookListApi.as_view(), name="webhooks"),
    path(ONE, WebhookApi.as_view(), name="webhook"),
    path(f"{ONE}/test", WebhookTestApi.as_view(), name="webhook-test"),
    path(f"{ONE}/enable", WebhookEnableApi.as_view(), name="webhook-enable"),
    path(f"{ONE}/deliveries", WebhookDeliveryListApi.as_view(), name="webhook-deliveries"),
]
