"""A portfolio's target weights, and orders that are placed together."""

from decimal import Decimal

from django.db import models
from django.db.models import Q

from apps.core.models import BaseModel
from apps.trading.domain.rebalancing import Target
from apps.trading.models.order import Order
from apps.trading.models.portfolio import Portfolio


class TargetAllocation(BaseModel):
    """One version of a portfolio's target; the newest is in force, none is ever changed.

    `weights` are fractions of one as strings, by symbol.
    """

    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT, related_name="targets")
    number = models.PositiveIntegerField()
    weights = models.JSONField()
    cash = models.DecimalField(max_digits=7, decimal_places=6)
    absolute_band = models.DecimalField(max_digits=7, decimal_places=6)
    relative_band = models.DecimalField(max_digits=7, decimal_places=6, null=True, blank=True)
    order_minimum = models.DecimalField(max_digits=26, decimal_places=8)
    cash_kept = models.DecimalField(max_digits=26, decimal_places=8)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["portfolio", "number"], name="trading_target_version"),
            models.CheckConstraint(
                condition=Q(
                    cash__gte=0,
                    cash__lt=1,
                    absolute_band__gte=0,
                    absolute_band__lte=1,
                    order_minimum__gte=0,
                    cash_kept__gte=0,
                ),
                name="trading_target_amounts",
            ),
        )

    def __str__(self) -> str:
        return f"Target {self.number} of {self.portfolio_id}"

    def as_target(self) -> Target:
        return Target(
            weights={symbol: Decimal(weight) for symbol, weight in self.weights.items()},
            cash=self.cash,
            absolute_band=self.absolute_band,
            relative_band=self.relative_band,
            order_minimum=self.order_minimum,
            cash_kept=self.cash_kept,
        )


class OrderBatch(BaseModel):
    """Orders that one decision of the client brings: a rebalancing, or one run of a plan.

    PROPOSED waits for the client's word; SELLING waits for its sales to end; DONE has placed all
    that could be placed.
    """

    class Kind(models.TextChoices):
        REBALANCE = "REBALANCE", "Rebalancing"
        PLAN = "PLAN", "Plan"

    class Status(models.TextChoices):
        PROPOSED = "PROPOSED", "Proposed"
        SELLING = "SELLING", "Selling"
        DONE = "DONE", "Done"

    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT, related_name="batches")
    kind = models.CharField(max_length=9, choices=Kind)
    status = models.CharField(max_length=8, choices=Status)
    target = models.ForeignKey(TargetAllocation, null=True, on_delete=models.PROTECT)
    confirmed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "order batches"
        constraints = (
            models.CheckConstraint(
                condition=Q(status="PROPOSED", confirmed_at=None)
                | Q(status__in=["SELLING", "DONE"], confirmed_at__isnull=False),
                name="trading_batch_confirmed",
            ),
            models.UniqueConstraint(
                fields=["portfolio"],
                condition=Q(status="PROPOSED"),
                name="trading_batch_one_proposal",
            ),
        )
        indexes = (
            models.Index(fields=["portfolio", "-created_at"], name="trading_batch_of_portfolio"),
            models.Index(
                fields=["id"], condition=Q(status="SELLING"), name="trading_batch_selling"
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"

    @property
    def stream(self) -> str:
        return f"batch-{self.id}"


class BatchLine(models.Model):
    """One order of a batch, or one part of a portfolio that needs none (no side); by position.

    `code` and `message` say why an order was refused; the others stand.
    """

    class Status(models.TextChoices):
        IDLE = "IDLE", "Nothing to trade"
        WAITING = "WAITING", "Waiting"
        PLACED = "PLACED", "Placed"
        REFUSED = "REFUSED", "Refused"

    id = models.BigAutoField(primary_key=True)
    batch = models.ForeignKey(OrderBatch, on_delete=models.CASCADE, related_name="lines")
    position = models.PositiveSmallIntegerField()
    symbol = models.CharField(max_length=20, blank=True)
    side = models.CharField(max_length=4, blank=True)
    quantity = models.DecimalField(max_digits=26, decimal_places=8, null=True)
    notional = models.DecimalField(max_digits=26, decimal_places=8, null=True)
    price = models.DecimalField(max_digits=26, decimal_places=8, null=True)
    fees = models.DecimalField(max_digits=26, decimal_places=8, null=True)
    value = models.DecimalField(max_digits=38, decimal_places=8, null=True)
    weight = models.DecimalField(max_digits=12, decimal_places=6, null=True)
    target_weight = models.DecimalField(max_digits=12, decimal_places=6, null=True)
    reasons = models.JSONField(default=list)
    status = models.CharField(max_length=7, choices=Status)
    code = models.CharField(max_length=50, blank=True)
    message = models.CharField(max_length=300, blank=True)
    order = models.OneToOneField(Order, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["batch", "position"], name="trading_batchline_place"),
            models.CheckConstraint(
                condition=Q(status="PLACED", order__isnull=False)
                | (~Q(status="PLACED") & Q(order=None)),
                name="trading_batchline_placed",
            ),
        )

    def __str__(self) -> str:
        return f"{self.side} {self.symbol}".strip() or "cash"

    @property
    def client_order_id(self) -> str:
        """Return what makes placing the line twice placing it once."""
        return f"batch-{self.batch_id.hex}-{self.position}"
