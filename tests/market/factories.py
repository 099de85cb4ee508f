"""Instruments and quotes for every test."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.utils import timezone

from apps.market.domain.quotes import Quote
from apps.market.models import Instrument, LastQuote, ReferenceRate


def make_instrument(symbol: str = "AAPL", **fields: Any) -> Instrument:
    """Create the instrument, or change the existing one."""
    defaults: dict[str, Any] = {
        "name": f"{symbol} Inc.",
        "exchange": "XNAS",
        "sector": "Information Technology",
        **fields,
    }
    return Instrument.objects.update_or_create(symbol=symbol, defaults=defaults)[0]


def put_quote(
    symbol: str,
    bid: Decimal | str,
    ask: Decimal | str,
    last: Decimal | str | None = None,
    volume: Decimal | str | int = 1000,
    *,
    at: datetime | None = None,
    source: str = "test",
) -> Quote:
    """Make this the symbol's newest quote, whatever was there before."""
    quote = Quote(
        symbol=symbol,
        bid=Decimal(bid),
        ask=Decimal(ask),
        last=Decimal(last if last is not None else bid),
        volume=Decimal(volume),
        at=at or timezone.now(),
        source=source,
    )
    defaults = {
        name: getattr(quote, name) for name in ("bid", "ask", "last", "volume", "at", "source")
    }
    LastQuote.objects.update_or_create(symbol=symbol, defaults=defaults)
    return quote


def put_rates(per_euro: dict[str, str], on: date | None = None) -> None:
    """Make these the reference rates to the euro of that day, today unless told."""
    for currency, rate in per_euro.items():
        ReferenceRate.objects.update_or_create(
            currency=currency,
            day=on or timezone.now().date(),
            defaults={"rate": Decimal(rate), "source": "test"},
        )
