"""Instruments and their last quotes (main database), bars and ticks (time series)."""

from decimal import Decimal

from django.db import models
from timescale.db.models.fields import TimescaleDateTimeField

from apps.core.domain.money import MINOR_UNITS
from apps.core.errors import Conflict, IllegalTransition
from apps.market.domain.bars import DAILY, DailyBar
from apps.market.domain.quotes import SOURCE_LENGTH, Quote
from apps.market.events import (
    InstrumentDelisted,
    InstrumentHalted,
    InstrumentListed,
    InstrumentReleased,
    InstrumentRestricted,
    InstrumentResumed,
)
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
    bar_source = models.CharField(
        max_length=SOURCE_LENGTH,
        blank=True,
        help_text="Where more than one source has bars, the one that is preferred.",
    )
    is_restricted = models.BooleanField(
        default=False, help_text="On the firm's restricted list: no new orders."
    )
    updated_at = models.DateTimeField(auto_now=True)

    objects = InstrumentQuerySet.as_manager()

    class Meta:
        ordering = ("symbol",)
        permissions = (
            ("halt_instrument", "Can halt and resume trading in an instrument"),
            ("restrict_instrument", "Can keep the restricted list"),
        )
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
            # A ledger account's asset is money or units, and its code alone says which.
            models.CheckConstraint(
                condition=~models.Q(symbol__in=sorted(MINOR_UNITS)),
                name="market_instrument_symbol_is_no_currency",
            ),
        )

    def __str__(self) -> str:
        return self.symbol

    @property
    def is_tradable(self) -> bool:
        """Whether an order may be accepted now, restriction and session apart."""
        return self.status == self.Status.ACTIVE and self.asset_class != self.AssetClass.INDEX

    @property
    def stream(self) -> str:
        return f"instrument-{self.symbol}"

    def halt(self, reason: str) -> InstrumentHalted:
        self._move(self.Status.ACTIVE, self.Status.HALTED)
        return InstrumentHalted(stream=self.stream, symbol=self.symbol, reason=reason)

    def resume(self, reason: str) -> InstrumentResumed:
        self._move(self.Status.HALTED, self.Status.ACTIVE)
        return InstrumentResumed(stream=self.stream, symbol=self.symbol, reason=reason)

    def restrict(self, reason: str) -> InstrumentRestricted:
        if self.is_restricted:
            raise Conflict("The instrument is restricted already.")
        self.is_restricted = True
        return InstrumentRestricted(stream=self.stream, symbol=self.symbol, reason=reason)

    def release(self, reason: str) -> InstrumentReleased:
        if not self.is_restricted:
            raise Conflict("The instrument is not restricted.")
        self.is_restricted = False
        return InstrumentReleased(stream=self.stream, symbol=self.symbol, reason=reason)

    def delist(self, *, new_symbol: str = "") -> InstrumentDelisted:
        if self.status == self.Status.DELISTED:
            raise IllegalTransition("The instrument is delisted already.")
        self.status = self.Status.DELISTED
        return InstrumentDelisted(stream=self.stream, symbol=self.symbol, new_symbol=new_symbol)

    def listed(self) -> InstrumentListed:
        return InstrumentListed(
            stream=self.stream,
            symbol=self.symbol,
            exchange=self.exchange,
            asset_class=self.asset_class,
            currency=self.currency,
        )

    def _move(self, start: Status, end: Status) -> None:
        if self.status != start:
            raise IllegalTransition(f"An instrument cannot go from {self.status} to {end}.")
        self.status = end


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


class Bar(models.Model):
    """What one symbol did in one interval, as one source tells it.

    A source that publishes nothing but adjusted closes leaves the other columns empty: an unknown
    price is NULL, never a copy of another.  `time` is the session's date at 00:00 UTC.
    """

    pk = models.CompositePrimaryKey("symbol", "source", "interval", "time")
    symbol = models.CharField(max_length=20)
    source = models.CharField(max_length=SOURCE_LENGTH)
    interval = models.CharField(max_length=3, default=DAILY)
    time = TimescaleDateTimeField(interval="1 year")
    open = models.DecimalField(max_digits=26, decimal_places=8, null=True)
    high = models.DecimalField(max_digits=26, decimal_places=8, null=True)
    low = models.DecimalField(max_digits=26, decimal_places=8, null=True)
    close = models.DecimalField(max_digits=26, decimal_places=8, null=True)
    volume = models.DecimalField(max_digits=26, decimal_places=8, null=True)
    adjusted_close = models.DecimalField(
        max_digits=26,
        decimal_places=8,
        help_text="Close in today's units: splits and dividends are taken out.",
    )

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=models.Q(adjusted_close__gt=0), name="market_bar_adjusted_positive"
            ),
            models.CheckConstraint(
                condition=models.Q(low__gt=0, high__gte=models.F("low"))
                | models.Q(low=None, high=None),
                name="market_bar_range",
            ),
            models.CheckConstraint(
                condition=models.Q(volume__gte=0) | models.Q(volume=None),
                name="market_bar_volume_not_negative",
            ),
        )

    def __str__(self) -> str:
        return f"{self.symbol} {self.time:%Y-%m-%d} ({self.source})"

    def as_bar(self) -> DailyBar:
        return DailyBar(
            symbol=self.symbol,
            day=self.time.date(),
            adjusted_close=self.adjusted_close,
            open=self.open,
            high=self.high,
            low=self.low,
            close=self.close,
            volume=self.volume,
        )


class Tick(models.Model):
    """Every quote that was ingested, for as long as the retention keeps it."""

    pk = models.CompositePrimaryKey("symbol", "source", "time")
    symbol = models.CharField(max_length=20)
    source = models.CharField(max_length=SOURCE_LENGTH)
    time = TimescaleDateTimeField(interval="1 day")
    bid = models.DecimalField(max_digits=26, decimal_places=8)
    ask = models.DecimalField(max_digits=26, decimal_places=8)
    last = models.DecimalField(max_digits=26, decimal_places=8)
    volume = models.DecimalField(max_digits=26, decimal_places=8)

    def __str__(self) -> str:
        return f"{self.symbol} {self.time:%H:%M:%S} {self.last}"


class ReferenceRate(models.Model):
    """How many units of a currency one euro was worth on a day, as the publisher states it."""

    pk = models.CompositePrimaryKey("currency", "day")
    currency = models.CharField(max_length=3)
    day = models.DateField()
    rate = models.DecimalField(max_digits=26, decimal_places=8)
    source = models.CharField(max_length=60)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=models.Q(rate__gt=0) & ~models.Q(currency="EUR"),
                name="market_reference_rate_sane",
            ),
        )

    def __str__(self) -> str:
        return f"{self.rate.normalize():f} {self.currency} on {self.day}"
