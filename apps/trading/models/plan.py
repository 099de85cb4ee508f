"""Recurring deposits and what they buy, and each time that one was due."""

from decimal import Decimal

from django.db import models
from django.db.models import Q

from apps.core.models import BaseModel
from apps.trading.domain.plans import Frequency, Schedule
from apps.trading.events.plans import PlanChanged, PlanRunEnded
from apps.trading.models.batch import OrderBatch
from apps.trading.models.cash_transfer import CashTransfer
from apps.trading.models.portfolio import Portfolio


class InvestmentPlan(BaseModel):
    """A deposit on a day of every week or month, invested by `weights` (the rest stays cash).

    `next_due_date` is empty once nothing is due any more.
    """

    class Status(models.TextChoices):
        ACTIVE = "ACTIVE", "Active"
        PAUSED = "PAUSED", "Paused"
        ENDED = "ENDED", "Ended"

    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT, related_name="plans")
    status = models.CharField(max_length=6, choices=Status, default=Status.ACTIVE)
    amount = models.DecimalField(max_digits=26, decimal_places=8)
    weights = models.JSONField(default=dict)
    frequency = models.CharField(
        max_length=7, choices=[(word.value, word.value.capitalize()) for word in Frequency]
    )
    day = models.PositiveSmallIntegerField()
    start_date = models.DateField()
    end_date = models.DateField(null=True, blank=True)
    next_due_date = models.DateField(null=True, blank=True)
    idempotency_key = models.CharField(max_length=100)
    terms_digest = models.CharField(max_length=64)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["portfolio", "idempotency_key"], name="trading_plan_once"
            ),
            models.CheckConstraint(
                condition=Q(amount__gt=0, day__gte=1, day__lte=31), name="trading_plan_amounts"
            ),
            models.CheckConstraint(
                condition=~Q(status="ENDED") | Q(next_due_date=None), name="trading_plan_ended"
            ),
        )
        indexes = (
            models.Index(
                fields=["next_due_date"], condition=Q(status="ACTIVE"), name="trading_plan_due"
            ),
        )

    def __str__(self) -> str:
        return f"{self.amount:f} {self.frequency.lower()}"

    @property
    def stream(self) -> str:
        return f"plan-{self.id}"

    @property
    def version(self) -> str:
        """What changes with every command on the plan."""
        return f"{self.updated_at:%Y%m%dT%H%M%S%f}{self.status}"

    @property
    def schedule(self) -> Schedule:
        return Schedule(
            frequency=Frequency(self.frequency),
            day=self.day,
            start=self.start_date,
            end=self.end_date,
        )

    @property
    def fractions(self) -> dict[str, Decimal]:
        """Return the weights as numbers, by symbol."""
        return {symbol: Decimal(weight) for symbol, weight in self.weights.items()}

    def changed(self, change: str) -> PlanChanged:
        return PlanChanged(
            stream=self.stream,
            plan_id=str(self.id),
            portfolio_id=str(self.portfolio_id),
            client_id=str(self.portfolio.client_id),
            change=change,
            amount=f"{self.amount.normalize():f}",
            currency=self.portfolio.currency,
        )


class PlanRun(BaseModel):
    """One time that a plan was due, once for each plan and date.

    It runs from `run_at` on, the opening of the session that its date rolled to.  FUNDING waits for
    the bank.
    """

    class Status(models.TextChoices):
        DUE = "DUE", "Due"
        FUNDING = "FUNDING", "Waiting for the bank"
        DONE = "DONE", "Done"
        FAILED = "FAILED", "Failed"
        SKIPPED = "SKIPPED", "Skipped"

    plan = models.ForeignKey(InvestmentPlan, on_delete=models.PROTECT, related_name="runs")
    due_date = models.DateField()
    run_at = models.DateTimeField()
    status = models.CharField(max_length=7, choices=Status, default=Status.DUE)
    code = models.CharField(max_length=50, blank=True)
    message = models.CharField(max_length=300, blank=True)
    transfer = models.OneToOneField(
        CashTransfer, null=True, on_delete=models.PROTECT, related_name="+"
    )
    batch = models.OneToOneField(OrderBatch, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["plan", "due_date"], name="trading_planrun_once"),
            models.CheckConstraint(
                condition=~Q(status="FAILED") | ~Q(code=""), name="trading_planrun_reason"
            ),
        )
        indexes = (
            models.Index(
                fields=["run_at"],
                condition=Q(status__in=["DUE", "FUNDING"]),
                name="trading_planrun_open",
            ),
        )

    def __str__(self) -> str:
        return f"{self.due_date} {self.status}"

    def ended(self) -> PlanRunEnded:
        return PlanRunEnded(
            stream=self.plan.stream,
            plan_id=str(self.plan_id),
            run_id=str(self.id),
            portfolio_id=str(self.plan.portfolio_id),
            client_id=str(self.plan.portfolio.client_id),
            due_date=self.due_date.isoformat(),
            status=self.status,
            code=self.code,
        )
