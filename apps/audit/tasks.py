"""Celery tasks of audit."""

from celery import shared_task

from apps.audit import services


@shared_task(name="audit.outbox_deliver")
def outbox_deliver(context: str) -> None:
    services.outbox_deliver(context=context)


@shared_task(name="audit.outbox_sweep")
def outbox_sweep() -> None:
    services.outbox_sweep()
