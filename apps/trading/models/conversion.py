"""Money that a client changed into another currency."""

from django.db import models
from django.db.models import F, Q

from apps.core.models import BaseModel
from apps.trading.events import CurrencyConverted
from apps.trading.models.portfolio import Portfolio
from apps.trading.repositories import ConversionQuerySet


class Conversion(BaseModel):
    """One conversion, never changed; its id is the quote's, so that a quote is used once.

    `rate` is what the client got: `reference_rate` of `reference_date` less the spread.
    """

    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT, related_name="conversions")
    sold_amount = models.DecimalField(max_digits=26, decimal_places=8)
    sold_currency = models.CharField(max_length=3)
    bought_amount = models.DecimalField(max_digits=26, decimal_places=8)
    bought_currency = models.CharField(max_length=3)
    reference_rate = models.DecimalField(max_digits=38, decimal_places=12)
    reference_date = models.DateField()
    spread_bps = models.DecimalField(max_digits=9, decimal_places=4)
    rate = models.DecimalField(max_digits=38, decimal_places=12)
    idempotency_key = models.CharField(max_length=100)
    entry_id = models.UUIDField(unique=True)

    objects = ConversionQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["portfolio", "idempotency_key"], name="trading_conversion_once"
            ),
            models.CheckConstraint(
                condition=Q(sold_amount__gt=0, bought_amount__gt=0, rate__gt=0, spread_bps__gte=0),
                name="trading_conversion_amounts",
            ),
            models.CheckConstraint(
                condition=Q(rate__lte=F("reference_rate")) & ~Q(sold_currency=F("bought_currency")),
                name="trading_conversion_terms",
            ),
        )
        indexes = (
            models.Index(fields=["portfolio", "-created_at"], name="trading_conversion_newest"),
        )

    def __str__(self) -> str:
        return f"{self.sold_amount} {self.sold_currency} to {self.bought_currency}"

    @property
    def stream(self) -> str:
        return f"conversion-{self.id}"

    def converted(self) -> CurrencyConverted:
        return CurrencyConverted(
            stream=self.stream,
            portfolio_id=str(self.portfolio_id),
            client_id=str(self.portfolio.client_id),
            conversion_id=str(self.id),
            sold=f"{self.sold_amount:f}",
            sold_currency=self.sold_currency,
            bought=f"{self.bought_amount:f}",
            bought_currency=self.bought_currency,
            rate=f"{self.rate:f}",
        )
