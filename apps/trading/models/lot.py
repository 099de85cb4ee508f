"""The lots that a portfolio owns, and what took units out of them."""

from decimal import Decimal
from typing import Any

from django.db import models
from django.db.models import F, Q

from apps.core.models import BaseModel
from apps.trading.domain.gains import Gain, Term, gain_of, market_day, term_of
from apps.trading.domain.lots import FX_PLACES, LotCause, LotMethod, LotOrigin, OpenLot
from apps.trading.models.execution import Execution
from apps.trading.models.portfolio import Portfolio
from apps.trading.repositories import LotConsumptionQuerySet, LotQuerySet


def _words(*words: Any) -> list[tuple[str, str]]:
    return [(word.value, word.value.replace("_", " ").capitalize()) for word in words]


class Lot(BaseModel):
    """Units that came in together, their cost with fees, and what is left of both.

    Costs are in `currency`, the instrument's; `fx_rate` is what one unit of it was in the
    portfolio's currency when the units were acquired.  `entry_id` is the ledger's entry that
    brought the units into the portfolio, at `opened_at`.  A lot that a transfer or a corporate
    action carried over keeps the day of acquisition, the cost and the rate of the lot that it was
    `carried_from`.
    """

    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT, related_name="lots")
    origin = models.CharField(max_length=16, choices=_words(*LotOrigin))
    entry_id = models.UUIDField()
    execution = models.OneToOneField(
        Execution, null=True, on_delete=models.PROTECT, related_name="lot"
    )
    carried_from = models.ForeignKey(
        "self", null=True, on_delete=models.PROTECT, related_name="carried_to"
    )
    symbol = models.CharField(max_length=20)
    currency = models.CharField(max_length=3)
    fx_rate = models.DecimalField(max_digits=26, decimal_places=FX_PLACES, default=Decimal(1))
    acquired_at = models.DateTimeField()
    opened_at = models.DateTimeField()
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
                    fx_rate__gt=0,
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
            models.CheckConstraint(
                condition=Q(origin="PURCHASE", execution__isnull=False, carried_from=None)
                | Q(origin__in=["TRANSFER", "IMPORT", "CORPORATE_ACTION"], execution=None),
                name="trading_lot_origin",
            ),
        )
        indexes = (
            models.Index(
                fields=["portfolio", "symbol", "acquired_at"],
                name="trading_lot_open",
                condition=Q(remaining_quantity__gt=0),
            ),
            models.Index(fields=["entry_id"], name="trading_lot_of_entry"),
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
        """Set what is left of the lot after units were taken."""
        self.remaining_quantity = quantity
        self.remaining_cost = cost


class LotConsumption(models.Model):
    """The part of a lot that one entry of the ledger took; never changed.

    With `proceeds` it was a disposal that realises a profit: the money that this part brought
    after fees, in the lot's currency, worth `fx_rate` of the portfolio's each.  Without, the units
    went on with their cost, to another portfolio or into the units of a corporate action.
    `method` is how the lot was chosen.
    """

    id = models.BigAutoField(primary_key=True)
    lot = models.ForeignKey(Lot, on_delete=models.PROTECT, related_name="consumptions")
    cause = models.CharField(max_length=16, choices=_words(*LotCause))
    entry_id = models.UUIDField()
    execution = models.ForeignKey(
        Execution, null=True, on_delete=models.PROTECT, related_name="consumptions"
    )
    method = models.CharField(max_length=8, choices=_words(*LotMethod))
    quantity = models.DecimalField(max_digits=26, decimal_places=8)
    cost = models.DecimalField(max_digits=26, decimal_places=8)
    proceeds = models.DecimalField(max_digits=26, decimal_places=8, null=True)
    fx_rate = models.DecimalField(max_digits=26, decimal_places=FX_PLACES, default=Decimal(1))
    consumed_at = models.DateTimeField()

    objects = LotConsumptionQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["lot", "entry_id"], name="trading_consumption_once"),
            models.CheckConstraint(
                condition=Q(quantity__gt=0, cost__gte=0, fx_rate__gt=0),
                name="trading_consumption_amounts",
            ),
            models.CheckConstraint(
                condition=Q(cause="SALE", execution__isnull=False, proceeds__isnull=False)
                | Q(cause="TRANSFER", execution=None, proceeds=None)
                | Q(cause="CORPORATE_ACTION", execution=None),
                name="trading_consumption_cause",
            ),
        )
        indexes = (models.Index(fields=["entry_id"], name="trading_consumption_of_entry"),)

    def __str__(self) -> str:
        return f"{self.quantity.normalize():f} of lot {self.lot_id}"

    @property
    def gain(self) -> Gain:
        """What a disposal realised."""
        return gain_of(
            cost=self.cost,
            value=self.proceeds or Decimal(0),
            rate_then=self.lot.fx_rate,
            rate_now=self.fx_rate,
        )

    @property
    def held_days(self) -> int:
        return (market_day(self.consumed_at) - market_day(self.lot.acquired_at)).days

    @property
    def term(self) -> Term:
        return term_of(market_day(self.lot.acquired_at), market_day(self.consumed_at))
