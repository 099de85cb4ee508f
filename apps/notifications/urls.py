"""Addresses of notifications."""

from django.urls import path

from apps.notifications.api import NotificationListView, NotificationReadView

urlpatterns = [
    path("notifications", NotificationListView.as_view(), name="notification-list"),
    path(
        "notifications/<uuid:notification_id>/read",
        NotificationReadView.as_view(),
        name="notification-read",
    ),
]
