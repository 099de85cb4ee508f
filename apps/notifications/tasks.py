"""Celery tasks of notifications."""

from uuid import UUID

from celery import shared_task

from apps.notifications import services


@shared_task(name="notifications.send_mail")
def send_mail(notification_id: str) -> None:
    services.notification_mail(notification_id=UUID(notification_id))


@shared_task(name="notifications.send_pending")
def send_pending() -> None:
    services.mail_sweep()
