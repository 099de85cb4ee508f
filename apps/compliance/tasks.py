"""Celery tasks of compliance."""

from uuid import UUID

from celery import shared_task

from apps.compliance.services import (
    documents,
    information,
    monitoring,
    payment_rescreening,
    rescreening,
    reviews,
    screening_searches,
    watchlist_sources,
    work_items,
)


@shared_task(name="compliance.monitor_client")
def monitor_client(client_id: str) -> None:
    monitoring.client_monitor(client_id=UUID(client_id))


@shared_task(name="compliance.monitor_pending")
def monitor_pending() -> None:
    monitoring.monitoring_sweep()


@shared_task(name="compliance.rescreen_clients")
def rescreen_clients() -> None:
    rescreening.clients_rescreen()
    payment_rescreening.payments_rescreen()


@shared_task(name="compliance.check_clients")
def check_clients() -> None:
    rescreening.clients_check(since=rescreening.night_begun())


@shared_task(name="compliance.refresh_watchlists")
def refresh_watchlists() -> None:
    for source_id in watchlist_sources.sources_due():
        refresh_watchlist.delay(str(source_id))


@shared_task(name="compliance.refresh_watchlist")
def refresh_watchlist(source_id: str) -> None:
    watchlist_sources.source_refresh(source_id=UUID(source_id))


@shared_task(name="compliance.prune_quarantine")
def prune_quarantine() -> None:
    documents.quarantine_prune()


@shared_task(name="compliance.run_searches")
def run_searches() -> None:
    screening_searches.searches_run()


@shared_task(name="compliance.remind_information")
def remind_information() -> None:
    information.information_remind()


@shared_task(name="compliance.watch_reviews")
def watch_reviews() -> None:
    reviews.reviews_open()
    reviews.documents_watch()
    reviews.reviews_lapse()


@shared_task(name="compliance.sync_work")
def sync_work() -> None:
    work_items.work_items_sync()
