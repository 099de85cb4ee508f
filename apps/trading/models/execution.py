"""What traded: executions."""

from decimal import Decimal

from django.db import models
from django.db.models import Q

from apps.core.models import BaseModel
from apps.trading.domain.lots import FX_PLACES
from apps.trading.models.order import Order
from apps.trading.models.portfolio import Portfolio
from apps.trading.repositories import ExecutionQuerySet


class Execution(BaseModel):
    """One fill as the venue reported it (a trade); never changed.

    `amount` is the money that moved for the units, `fees` on top; `profit` of a sale is what came
    in after fees less the cost of the lots that it consumed.  Money is in `currency`, the
    instrument's; `fx_rate` is what one unit of it was in the portfolio's currency.
    """

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="executions")
    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT, related_name="executions")
    symbol = models.CharField(max_length=20)
    side = models.CharField(max_length=4)
    quantity = models.DecimalField(max_digits=26, decimal_places=8)
    price = models.DecimalField(max_digits=26, decimal_places=8)
    amount = models.DecimalField(max_digits=26, decimal_places=8)
    fees = models.DecimalField(max_digits=26, decimal_places=8)
    profit = models.DecimalField(max_digits=26, decimal_places=8, null=True, blank=True)
    currency = models.CharField(max_length=3)
    fx_rate = models.DecimalField(max_digits=26, decimal_places=FX_PLACES, default=Decimal(1))
    venue = models.CharField(max_length=20)
    venue_execution_id = models.CharField(max_length=100)
    entry_id = models.UUIDField(unique=True)
    executed_at = models.DateTimeField()

    objects = ExecutionQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["venue", "venue_execution_id"], name="trading_execution_once"
            ),
            models.CheckConstraint(
                condition=Q(quantity__gt=0, price__gt=0, amount__gte=0, fees__gte=0, fx_rate__gt=0),
                name="trading_execution_amounts",
            ),
            models.CheckConstraint(
                condition=Q(side="BUY", profit=None) | Q(side="SELL", profit__isnull=False),
                name="trading_execution_profit_of_sales",
            ),
        )
        indexes = (
            models.Index(
                fields=["portfolio", "-created_at", "-id"], name="trading_execution_of_portfolio"
            ),
        )

    def __str__(self) -> str:
        return f"{self.side} {self.quantity.normalize():f} {self.symbol} at {self.price:f}"
