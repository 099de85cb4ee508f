"""Plans that are due: each (plan, due date) runs once, whatever dies in between."""

from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.utils import timezone

from apps.audit.services import emit
from apps.core.commands import command
from apps.core.domain.money import Money
from apps.core.errors import DomainError, Unavailable
from apps.infrastructure.failures import FailureTold
from apps.market.selectors import instrument_list, session_from
from apps.trading.domain.plans import amounts_of
from apps.trading.models import (
    BatchLine,
    CashTransfer,
    InvestmentPlan,
    OrderBatch,
    PlanRun,
    Portfolio,
)
from apps.trading.services.batches import batch_begin
from apps.trading.services.cash import deposit_receive

logger = structlog.get_logger(__name__)
# What could not run for so long is told to the client and not made good.
LATE = timedelta(days=3)
EXCHANGE = "XNYS"
MESSAGE_LENGTH = 300
OPEN = (PlanRun.Status.DUE, PlanRun.Status.FUNDING)


def plans_run(*, now: datetime | None = None) -> int:
    """Write down what is due by now and run it; return how many runs ended.

    Every plan and every run is its own transaction; one that fails leaves the others alone.
    """
    now = now or timezone.now()
    due = InvestmentPlan.objects.filter(
        status=InvestmentPlan.Status.ACTIVE, next_due_date__lte=now.date()
    )
    for plan_id in list(due.values_list("id", flat=True)):
        with FailureTold(
            "PLAN_FAILED",
            subject=str(plan_id),
            message="What an investment plan is due could not be worked out; it is tried again.",
        ):
            plan_schedule(plan_id=plan_id, now=now)
    runs = PlanRun.objects.filter(status__in=OPEN, run_at__lte=now).order_by("run_at", "id")
    ended = 0
    for run_id in list(runs.values_list("id", flat=True)):
        ended += _run_safely(run_id, now)
    return ended


@command
def plan_schedule(*, plan_id: UUID, now: datetime) -> None:
    """Write down the runs of a plan that are due by now, and when it is due next.

    A due date on which the exchange is closed rolls to its next session.
    """
    plan = InvestmentPlan.objects.select_for_update(no_key=True).get(id=plan_id)
    if plan.status != InvestmentPlan.Status.ACTIVE:
        return
    while plan.next_due_date is not None and plan.next_due_date <= now.date():
        day = plan.next_due_date
        run_at = session_from(_exchange(plan), day).open_at
        PlanRun.objects.bulk_create(
            [PlanRun(plan=plan, due_date=day, run_at=run_at)], ignore_conflicts=True
        )
        plan.next_due_date = plan.schedule.first_due(day + timedelta(days=1))
    plan.save()


@command
def planrun_execute(*, run_id: UUID, now: datetime) -> PlanRun:
    """Bring the deposit of a due run and place its orders, all in one transaction, once.

    Raises what `deposit_receive` raises, and Unavailable; then nothing happened.
    """
    run = _locked(run_id)
    if run is None or run.status not in OPEN or run.run_at > now:
        return PlanRun.objects.get(id=run_id)
    if now - run.run_at > LATE:
        return _end(run, PlanRun.Status.FAILED, "missed", "The plan could not run in time.")
    plan = run.plan
    run.transfer = deposit_receive(
        actor=None,
        portfolio_id=plan.portfolio_id,
        amount=Money.of(plan.amount, plan.portfolio.currency),
        idempotency_key=f"plan-{run.id.hex}",
    )
    if run.transfer.shown_status == CashTransfer.Status.PENDING:
        run.status = PlanRun.Status.FUNDING
        run.save()
        return run
    if run.transfer.status == CashTransfer.Status.FAILED:
        code = run.transfer.failure_code
        return _end(run, PlanRun.Status.FAILED, code, "The bank did not bring the deposit.")
    _invest(run)
    refused = run.batch and run.batch.lines.filter(status=BatchLine.Status.REFUSED).first()
    if refused:
        return _end(run, PlanRun.Status.DONE, refused.code, refused.message)
    return _end(run, PlanRun.Status.DONE)


@command
def planrun_fail(*, run_id: UUID, code: str, message: str) -> PlanRun | None:
    """Say of a run that it failed and why; None where it has ended already."""
    run = _locked(run_id)
    if run is None or run.status not in OPEN:
        return None
    return _end(run, PlanRun.Status.FAILED, code, message)


def _run_safely(run_id: UUID, now: datetime) -> bool:
    """Run it; what the domain refuses ends it with the reason, what is away is tried again."""
    with FailureTold(
        "PLAN_FAILED",
        subject=str(run_id),
        message="A run of an investment plan failed; its client is told that nothing was moved.",
    ):
        try:
            return planrun_execute(run_id=run_id, now=now).status not in OPEN
        except Unavailable as error:
            logger.warning("plan_run_waits", run_id=str(run_id), code=error.code)
            return False
        except DomainError as error:
            return planrun_fail(run_id=run_id, code=error.code, message=error.message) is not None
    message = "Something went wrong on our side; nothing was moved."
    return planrun_fail(run_id=run_id, code="internal_error", message=message) is not None


def _locked(run_id: UUID) -> PlanRun | None:
    """Load the run for writing, its portfolio before it."""
    found = PlanRun.objects.filter(id=run_id).values_list("plan__portfolio_id", flat=True).first()
    if found is None:
        return None
    portfolio = Portfolio.objects.locked(found, may_be_closed=True)
    runs = PlanRun.objects.select_for_update(no_key=True, of=("self",)).select_related("plan")
    run = runs.get(id=run_id)
    run.plan.portfolio = portfolio
    return run


def _invest(run: PlanRun) -> None:
    plan = run.plan
    amounts = amounts_of(plan.amount, plan.fractions, plan.portfolio.currency)
    if not amounts:
        return
    batch = OrderBatch(
        portfolio=plan.portfolio,
        kind=OrderBatch.Kind.PLAN,
        status=OrderBatch.Status.SELLING,
        confirmed_at=timezone.now(),
    )
    batch.save(force_insert=True)
    BatchLine.objects.bulk_create(
        BatchLine(
            batch=batch,
            position=position,
            symbol=symbol,
            side="BUY",
            notional=amount,
            status=BatchLine.Status.WAITING,
        )
        for position, (symbol, amount) in enumerate(amounts.items())
    )
    batch_begin(batch)
    run.batch = batch


def _end(run: PlanRun, status: str, code: str = "", message: str = "") -> PlanRun:
    run.status, run.code, run.message = status, code, message[:MESSAGE_LENGTH]
    run.save()
    emit(run.ended(), actor=None)
    plan = run.plan
    if plan.next_due_date is None and plan.status == InvestmentPlan.Status.ACTIVE:
        InvestmentPlan.objects.filter(id=plan.id).update(status=InvestmentPlan.Status.ENDED)
    return run


def _exchange(plan: InvestmentPlan) -> str:
    """Return the exchange whose calendar the plan follows: that of what it buys first."""
    known = instrument_list(only_tradable=False).filter(symbol__in=plan.weights)
    found = known.filter(exchange__in=["XNYS", "XNAS"]).values_list("exchange", flat=True).first()
    return found or EXCHANGE
