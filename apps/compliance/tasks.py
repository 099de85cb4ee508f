"""Celery tasks of compliance."""

from uuid import UUID

from celery import shared_task

from apps.compliance.services import documents, monitoring, screening


@shared_task(name="compliance.monitor_client")
def monitor_client(client_id: str) -> None:
    monitoring.client_monitor(client_id=UUID(client_id))


@shared_task(name="compliance.monitor_pending")
def monitor_pending() -> None:
    monitoring.monitoring_sweep()


@shared_task(name="compliance.rescreen_clients")
def rescreen_clients() -> None:
    screening.clients_rescreen()


@shared_task(name="compliance.prune_quarantine")
def prune_quarantine() -> None:
    documents.quarantine_prune()
