"""What every portfolio was worth, over time."""

from django.db import models
from timescale.db.models.fields import TimescaleDateTimeField

from apps.analytics.repositories import ValuationQuerySet


class PortfolioValuation(models.Model):
    """One portfolio at one instant, in its currency; a read model that quotes made.

    `deposits` and `withdrawals` are the totals settled since the start.  `benchmark` is the
    benchmark's level at that instant, empty where it had no quote.
    """

    pk = models.CompositePrimaryKey("portfolio_id", "time")
    portfolio_id = models.UUIDField()
    time = TimescaleDateTimeField(interval="1 day")
    currency = models.CharField(max_length=3)
    cash = models.DecimalField(max_digits=38, decimal_places=8)
    held = models.DecimalField(max_digits=38, decimal_places=8)
    invested = models.DecimalField(max_digits=38, decimal_places=8)
    total = models.DecimalField(max_digits=38, decimal_places=8)
    deposits = models.DecimalField(max_digits=38, decimal_places=8)
    withdrawals = models.DecimalField(max_digits=38, decimal_places=8)
    benchmark = models.DecimalField(max_digits=26, decimal_places=8, null=True)
    is_complete = models.BooleanField(
        default=True, help_text="Everything it holds had a price in its currency."
    )

    objects = ValuationQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.portfolio_id} {self.time:%Y-%m-%d %H:%M:%S} {self.total}"
