"""The notifications' page."""

from uuid import uuid4

import pytest
from django.test import Client

from apps.notifications.domain.texts import TEXTS
from apps.notifications.models import Notification
from apps.users.models import User
from tests.users.factories import make_user

pytestmark = pytest.mark.django_db


def make_notification(user: User) -> Notification:
    return Notification.objects.create(
        user=user,
        kind="ORDER",
        title="Order filled",
        body="Bought 1 AAPL.",
        body_code=next(iter(TEXTS)),
        event_id=uuid4(),
    )


def test_notifications_when_there_are_none_say_what_will_come(pages: Client) -> None:
    assert "Nothing to tell you" in pages.get("/notifications/").content.decode()


def test_notification_is_marked_as_read(pages: Client, user: User) -> None:
    notification = make_notification(user)
    assert "1 unread" in pages.get("/notifications/").content.decode()
    assert pages.post(f"/notifications/{notification.id}/read/").status_code == 302
    assert "All read" in pages.get("/notifications/").content.decode()


def test_anothers_notification_is_not_found(pages: Client) -> None:
    notification = make_notification(make_user())
    assert pages.post(f"/notifications/{notification.id}/read/").status_code == 404
    notification.refresh_from_db()
    assert notification.read_at is None
