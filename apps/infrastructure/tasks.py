"""Celery tasks of the plumbing."""

from importlib import import_module

from celery import shared_task
from django.conf import settings

from apps.infrastructure.api.idempotency import answers_prune
from apps.infrastructure.health import heartbeat_record


@shared_task(name="infrastructure.record_heartbeat")
def record_heartbeat() -> None:
    heartbeat_record()


@shared_task(name="infrastructure.prune_answers")
def prune_answers() -> None:
    answers_prune()


@shared_task(name="infrastructure.clear_sessions")
def clear_sessions() -> None:
    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()
