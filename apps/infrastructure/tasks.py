"""Celery tasks of the plumbing."""

from celery import shared_task

from apps.infrastructure.api.idempotency import answers_prune
from apps.infrastructure.health import heartbeat_record


@shared_task(name="infrastructure.record_heartbeat")
def record_heartbeat() -> None:
    heartbeat_record()


@shared_task(name="infrastructure.prune_answers")
def prune_answers() -> None:
    answers_prune()
