"""Celery tasks of trading."""

from uuid import UUID

import structlog
from celery import shared_task

from apps.trading.services import (
    batches,
    charges,
    entitlements,
    firm_cancels,
    plan_runs,
    reconciliation,
    routing,
    sending,
    venue_sync,
)
from apps.trading.venues.base import VenueBusy, VenueUncertain, VenueUnreachable

logger = structlog.get_logger(__name__)


@shared_task(name="trading.match_quotes")
def match_quotes(symbols: list[str]) -> None:
    routing.quotes_match(symbols=symbols)


@shared_task(name="trading.expire_orders")
def expire_orders() -> None:
    routing.orders_expire()


@shared_task(name="trading.run_corporate_actions")
def run_corporate_actions() -> None:
    entitlements.corporate_actions_run()


@shared_task(name="trading.work_cancel_runs")
def work_cancel_runs() -> None:
    firm_cancels.cancel_runs_work()


@shared_task(name="trading.send_instruction")
def send_instruction(instruction_id: str) -> None:
    sending.instruction_attempt(instruction_id=UUID(instruction_id))


@shared_task(name="trading.send_instructions")
def send_instructions() -> None:
    sending.instructions_sweep()


@shared_task(name="trading.sync_venue")
def sync_venue() -> None:
    """Read the venue also while nobody listens; one that cannot be read now is read next time."""
    try:
        venue_sync.venue_sync()
    except (VenueBusy, VenueUnreachable, VenueUncertain) as error:
        logger.warning("venue_not_read", error=type(error).__name__)


@shared_task(name="trading.reconcile_venue")
def reconcile_venue() -> None:
    try:
        reconciliation.venue_reconcile()
    except (VenueBusy, VenueUnreachable, VenueUncertain) as error:
        logger.warning("venue_not_reconciled", error=type(error).__name__)


@shared_task(name="trading.advance_batches")
def advance_batches() -> None:
    batches.batches_advance()


@shared_task(name="trading.run_plans")
def run_plans() -> None:
    plan_runs.plans_run()


@shared_task(name="trading.run_charges")
def run_charges() -> None:
    charges.charges_run()
