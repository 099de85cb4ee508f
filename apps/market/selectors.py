"""Queries of the market: read, never write."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time

from django.conf import settings
from django.db.models import F, QuerySet

from apps.core.domain.dates import DateRange
from apps.core.errors import NotFound
from apps.market.domain import sessions
from apps.market.domain.bars import DAILY, DailyBar
from apps.market.domain.quotes import Quote
from apps.market.models import Bar, Instrument, LastQuote
from apps.market.repositories import InstrumentQuerySet, recall_quotes


def instrument_get(symbol: str) -> Instrument:
    """Return the instrument; raises NotFound."""
    instrument = Instrument.objects.filter(symbol=symbol).first()
    if instrument is None:
        raise NotFound("There is no such instrument.", field="symbol")
    return instrument


def instrument_list(*, only_tradable: bool = True) -> InstrumentQuerySet:
    """Return the instruments by symbol; without `only_tradable` indices and delisted ones too."""
    instruments = Instrument.objects.order_by("symbol")
    return instruments.tradable() if only_tradable else instruments


def quote_get(symbol: str) -> Quote | None:
    """Return the newest quote, or None when the symbol never had one."""
    return quotes_get([symbol]).get(symbol)


def quotes_get(symbols: Iterable[str]) -> dict[str, Quote]:
    """Return the newest quotes by symbol; a symbol that never had one is absent."""
    return {
        row.symbol: row.as_quote() for row in LastQuote.objects.filter(symbol__in=list(symbols))
    }


def session_is_open(instrument: Instrument, at: datetime) -> bool:
    """Return whether orders in the instrument can be filled at that moment.

    Replayed history trades round the clock; a live provider follows the exchange's calendar.
    """
    if settings.MARKET_PROVIDER == "replay":
        return True
    if instrument.asset_class == Instrument.AssetClass.CRYPTO:
        return True
    return sessions.is_open(instrument.exchange, at)
