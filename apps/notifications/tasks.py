"""Celery tasks of notifications."""

from uuid import UUID

from celery import shared_task

from apps.notifications.services import deliveries, messages


@shared_task(name="notifications.send_mail")
def send_mail(notification_id: str) -> None:
    messages.notification_mail(notification_id=UUID(notification_id))


@shared_task(name="notifications.send_pending")
def send_pending() -> None:
    messages.mail_sweep()


@shared_task(name="notifications.deliver_webhook")
def deliver_webhook(delivery_id: str) -> None:
    deliveries.delivery_attempt(delivery_id=UUID(delivery_id))


@shared_task(name="notifications.deliver_webhooks")
def deliver_webhooks() -> None:
    deliveries.deliveries_sweep()


@shared_task(name="notifications.prune_deliveries")
def prune_deliveries() -> None:
    deliveries.deliveries_prune()
