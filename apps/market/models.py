"""Instruments and their last quotes (main database), bars and ticks (time series)."""

from decimal import Decimal

from django.db import models

from apps.market.domain.quotes import SOURCE_LENGTH, Quote
from apps.market.repositories import InstrumentQuerySet


class Instrument(models.Model):
    """What can be traded, or looked at (an index)."""

    class AssetClass(models.TextChoices):
        EQUITY = "EQUITY", "Equity"
        ETF = "ETF", "ETF"
        FX = "FX", "Foreign exchange"
        CRYPTO = "CRYPTO", "Crypto"
        BOND = "BOND", "Bond"
        INDEX = "INDEX", "Index"

    class Status(models.TextChoices):
        ACTIVE = "ACTIVE", "Active"
        HALTED = "HALTED", "Halted"
        DELISTED = "DELISTED", "Delisted"

    symbol = models.CharField(max_length=20, primary_key=True)
    name = models.CharField(max_length=100)
    exchange = models.CharField("exchange (MIC)", max_length=4)
    asset_class = models.CharField(
        max_length=6, choices=AssetClass.choices, default=AssetClass.EQUITY
    )
    currency = models.CharField(max_length=3, default="USD")
    sector = models.CharField(max_length=50, blank=True)
    lot_size = models.DecimalField(
        max_digits=26,
        decimal_places=8,
        default=Decimal("0.0001"),
        help_text="Every quantity is a whole multiple of it.",
    )
    tick_size = models.DecimalField(
        max_digits=26,
        decimal_places=8,
        default=Decimal("0.01"),
        help_text="Every limit and stop price is a whole multiple of it.",
    )
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.ACTIVE)
    is_restricted = models.BooleanField(
        default=False, help_text="On the firm's restricted list: no new orders."
    )
    updated_at = models.DateTimeField(auto_now=True)

    objects = InstrumentQuerySet.as_manager()

    class Meta:
        ordering = ("symbol",)
        constraints = (
            models.CheckConstraint(
                condition=models.Q(symbol__regex=r"^[A-Z][A-Z0-9.\-]{0,19}$"),
                name="market_instrument_symbol",
            ),
            models.CheckConstraint(
                condition=models.Q(lot_size__gt=0, tick_size__gt=0),
                name="market_instrument_steps_positive",
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=["ACTIVE", "HALTED", "DELISTED"]),
                name="market_instrument_status",
            ),
        )

    def __str__(self) -> str:
        return self.symbol

    @property
    def is_tradable(self) -> bool:
        """Whether an order may be accepted now, restriction and session apart."""
        return self.status == self.Status.ACTIVE and self.asset_class != self.AssetClass.INDEX


class LastQuote(models.Model):
    """The newest quote of a symbol; only a newer one replaces it."""

    symbol = models.CharField(max_length=20, primary_key=True)
    bid = models.DecimalField(max_digits=26, decimal_places=8)
    ask = models.DecimalField(max_digits=26, decimal_places=8)
    last = models.DecimalField(max_digits=26, decimal_places=8)
    volume = models.DecimalField(max_digits=26, decimal_places=8)
    at = models.DateTimeField()
    source = models.CharField(max_length=SOURCE_LENGTH)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=models.Q(bid__gt=0, ask__gte=models.F("bid"), last__gt=0, volume__gte=0),
                name="market_last_quote_sane",
            ),
        )

    def __str__(self) -> str:
        return f"{self.symbol} {self.bid}/{self.ask}"

    def as_quote(self) -> Quote:
        return Quote(
            symbol=self.symbol,
            bid=self.bid,
            ask=self.ask,
            last=self.last,
            volume=self.volume,
            at=self.at,
            source=self.source,
        )
