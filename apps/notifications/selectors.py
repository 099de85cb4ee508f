"""Questions to the notifications."""

from django.db.models import QuerySet

from apps.notifications.models import Notification
from apps.users.models import User


def notification_list(user: User) -> QuerySet[Notification]:
    """Return the user's own notifications, newest first."""
    return Notification.objects.of(user.pk)


def unread_count(user: User) -> int:
    return Notification.objects.of(user.pk).unread().count()
