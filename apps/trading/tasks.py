"""Celery tasks of trading."""

from celery import shared_task

from apps.trading.services import entitlements, firm_cancels, routing


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
