"""What traded: executions, the lots that purchases make and that sales consume."""

from decimal import Decimal

from django.db import models
from django.db.models import F, Q

from apps.core.models import BaseModel
from apps.trading.domain.lots import OpenLot
from apps.trading.models.order import Order
from apps.trading.models.portfolio import Portfolio
from apps.trading.repositories import ExecutionQuerySet, LotQuerySet


class Execution(BaseModel):
    """One fill as the venue reported it (a trade); never changed.

    `amount` is the money that moved for the units, `fees` on top; `profit` of a sale is what came
    in after fees less the cost of the lots that it consumed.
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
                condition=Q(quantity__gt=0, price__gt=0, amount__gte=0, fees__gte=0),
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


class Lot(BaseModel):
    """The units of one purchase with their cost, fees included, and what is left of both."""

    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT, related_name="lots")
    execution = models.OneToOneField(Execution, on_delete=models.PROTECT, related_name="lot")
    symbol = models.CharField(max_length=20)
    currency = models.CharField(max_length=3)
    acquired_at = models.DateTimeField()
    quantity = models.DecimalField(max_digits=26, decimal_places=8)
    cost = models.DecimalField(max_digits=26, decimal_places=8)
    remaining_quantity = models.DecimalField(max_digits=26, decimal_places=8)
    remaining_cost = models.DecimalField(max_digits=26, decimal_places=8)

    objects = LotQuerySet.as_manager()

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(
                    quantity__gt=0,
                    cost__gte=0,
                    remaining_quantity__gte=0,
                    remaining_quantity__lte=F("quantity"),
                    remaining_cost__gte=0,
                ),
                name="trading_lot_amounts",
            ),
            models.CheckConstraint(
                condition=Q(remaining_quantity__gt=0) | Q(remaining_cost=0),
                name="trading_lot_empty_costs_nothing",
            ),
        )
        indexes = (
            models.Index(
                fields=["portfolio", "symbol", "acquired_at"],
                name="trading_lot_open",
                condition=Q(remaining_quantity__gt=0),
            ),
        )

    def __str__(self) -> str:
        return f"{self.remaining_quantity.normalize():f} {self.symbol}"

    def as_open(self) -> OpenLot:
        return OpenLot(
            key=str(self.id),
            acquired_at=self.acquired_at,
            quantity=self.remaining_quantity,
            cost=self.remaining_cost,
        )

    def leave(self, *, quantity: Decimal, cost: Decimal) -> None:
        """Set what a sale left of the lot."""
        self.remaining_quantity = quantity
        self.remaining_cost = cost


class LotConsumption(models.Model):
    """The part of a lot that one sale took."""

    id = models.BigAutoField(primary_key=True)
    lot = models.ForeignKey(Lot, on_delete=models.PROTECT, related_name="consumptions")
    execution = models.ForeignKey(Execution, on_delete=models.PROTECT, related_name="consumptions")
    quantity = models.DecimalField(max_digits=26, decimal_places=8)
    cost = models.DecimalField(max_digits=26, decimal_places=8)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["lot", "execution"], name="trading_consumption_once"),
            models.CheckConstraint(
                condition=Q(quantity__gt=0, cost__gte=0), name="trading_consumption_amounts"
            ),
        )

    def __str__(self) -> str:
        return f"{self.quantity.normalize():f} of lot {self.lot_id}"
