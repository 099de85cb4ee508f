"""Celery tasks of analytics."""

from uuid import UUID

from celery import shared_task

from apps.analytics import services
from apps.trading.selectors.portfolios import portfolio_all


@shared_task(name="analytics.record_valuations")
def record_valuations() -> None:
    services.valuations_record()


@shared_task(name="analytics.build_report")
def build_report(portfolio_id: str) -> None:
    services.report_build(portfolio_id=UUID(portfolio_id))


@shared_task(name="analytics.build_reports")
def build_reports() -> None:
    """Have every portfolio's report built, each in a task of its own."""
    for portfolio_id in portfolio_all().values_list("id", flat=True).iterator():
        build_report.delay(str(portfolio_id))
