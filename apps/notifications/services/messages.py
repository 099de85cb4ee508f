"""Commands of notifications: tell somebody once, in the application, live and by mail."""

from uuid import UUID

import structlog
from celery import current_app
from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.db import transaction
from django.template.loader import render_to_string
from django.utils import timezone
from kombu.exceptions import KombuError
from redis.exceptions import RedisError

from apps.core.commands import command
from apps.core.errors import NotFound
from apps.infrastructure.realtime import push
from apps.notifications.domain.texts import text_of
from apps.notifications.models import Notification
from apps.users.models import User

logger = structlog.get_logger(__name__)
SWEEP_LIMIT = 200


@command
def notification_send(
    *, user_id: UUID, event_id: UUID, code: str, facts: dict[str, str], also_to: str | None = None
) -> Notification:
    """Tell the user once for each event: a row, a push to open pages, and a mail.

    `code` names the text in domain/texts.py, `facts` fill it; the mail goes to `also_to`, an
    address that is not the user's any more, as well.  Idempotent on (user, event).
    Raises InvalidInput for an unknown code.
    """
    kind, title, body = text_of(code, facts)
    notification, created = Notification.objects.get_or_create(
        user_id=user_id,
        event_id=event_id,
        defaults={
            "kind": kind,
            "title": title,
            "body": body,
            "body_code": code,
            "also_to": also_to,
        },
    )
    if created:
        push(
            user_id=user_id,
            channel="notifications",
            event_id=str(event_id),
            data={"id": str(notification.id), "kind": kind, "title": title, "body": body},
        )
        transaction.on_commit(lambda: _ask_mail(notification.id), robust=True)
    return notification


@command
def notification_mail(*, notification_id: UUID) -> bool:
    """Send the notification's mail once; return whether it was sent now.

    The row stays locked while the mail leaves, so two workers do not send it twice; a mail server
    that fails raises, and the sweep tries again.
    """
    notification = (
        Notification.objects.select_for_update()
        .select_related("user")
        .filter(pk=notification_id, mailed_at=None)
        .first()
    )
    if notification is None:
        return False
    text = render_to_string(
        "email/notification.txt",
        {"notification": notification, "public_url": settings.PUBLIC_URL},
    )
    mails = [
        EmailMessage(notification.title, text, None, [address])
        for address in (notification.user.email, notification.also_to)
        if address
    ]
    with get_connection() as connection:
        connection.send_messages(mails)
    notification.mailed_at = timezone.now()
    notification.save(update_fields=["mailed_at", "updated_at"])
    return True


@command
def notification_read(*, actor: User, notification_id: UUID) -> Notification:
    """Mark the user's own notification as read; reading again keeps the first time.

    Raises NotFound, for another user's too.
    """
    notification = (
        Notification.objects.select_for_update().of(actor.pk).filter(pk=notification_id).first()
    )
    if notification is None:
        raise NotFound("There is no such notification.")
    if notification.read_at is None:
        notification.read_at = timezone.now()
        notification.save(update_fields=["read_at", "updated_at"])
    return notification


def mail_sweep() -> int:
    """Ask again for the mails that were not sent; return how many."""
    waiting = list(
        Notification.objects.filter(mailed_at=None)
        .order_by("created_at")
        .values_list("id", flat=True)[:SWEEP_LIMIT]
    )
    for notification_id in waiting:
        _ask_mail(notification_id)
    return len(waiting)


def _ask_mail(notification_id: UUID) -> None:
    try:
        current_app.send_task("notifications.send_mail", args=[str(notification_id)])
    except (OSError, RedisError, KombuError) as error:
        # The row stays unmailed, so the sweep asks again.
        logger.warning("mail_nudge_failed", error=type(error).__name__)
