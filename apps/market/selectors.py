"""Queries of the market: read, never write."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_EVEN, Decimal

from django.conf import settings
from django.db.models import Max, QuerySet
from django.utils import timezone

from apps.core.domain.dates import DateRange
from apps.core.domain.money import MINOR_UNITS
from apps.core.errors import NotFound, Refused, Unavailable
from apps.infrastructure.health import Finding, grade_age
from apps.infrastructure.prepared import load_rows
from apps.market.domain import sessions
from apps.market.domain.bars import DAILY, DailyBar
from apps.market.domain.fx import EURO, FxRate, cross
from apps.market.domain.quotes import Quote
from apps.market.models import Bar, Instrument, LastQuote, ReferenceRate
from apps.market.repositories import InstrumentQuerySet, latest_rates, recall_quotes

PRICE_DAYS = timedelta(days=7)


def instrument_get(symbol: str) -> Instrument:
    """Return the instrument; raises NotFound."""
    rows = load_rows(Instrument, "WHERE symbol = %s", [symbol])
    if not rows:
        raise NotFound("There is no such instrument.", field="symbol")
    return rows[0]


def instrument_list(*, only_tradable: bool = True) -> InstrumentQuerySet:
    """Return the instruments by symbol; without `only_tradable` indices and delisted ones too."""
    instruments = Instrument.objects.order_by("symbol")
    return instruments.tradable() if only_tradable else instruments


def currencies_of(symbols: Iterable[str]) -> dict[str, str]:
    """Return the currency of each listed symbol."""
    wanted = list(symbols)
    if not wanted:
        return {}
    return dict(Instrument.objects.filter(symbol__in=wanted).values_list("symbol", "currency"))


def quote_get(symbol: str) -> Quote | None:
    """Return the newest quote, or None when the symbol never had one."""
    return quotes_get([symbol]).get(symbol)


def quotes_get(symbols: Iterable[str]) -> dict[str, Quote]:
    """Return the newest quotes by symbol; a symbol that never had one is absent.

    From this process's memory, else from Redis, else from the table; at most a quarter of a
    second behind.
    """
    wanted = list(dict.fromkeys(symbols))
    found = recall_quotes(wanted)
    missing = [symbol for symbol in wanted if symbol not in found]
    if missing:
        rows = load_rows(LastQuote, "WHERE symbol = ANY(%s)", [missing])
        found |= {row.symbol: row.as_quote() for row in rows}
    return found


def bars_list(symbol: str, start: date, end: date, *, source: str = "") -> QuerySet[Bar]:
    """Return the symbol's daily bars from `start` to `end`, both included, oldest first.

    Without `source`, those of the instrument's preferred one.  Raises NotFound for an unknown
    instrument, InvalidInput when the range ends before it starts.
    """
    instrument = instrument_get(symbol)
    bars = _daily(DateRange(start, end)).filter(
        symbol=symbol, source=source or instrument.bar_source
    )
    return bars.order_by("time")


def traded_bars(symbol: str, start: date, end: date) -> QuerySet[Bar]:
    """Return the symbol's daily bars with prices as traded, of whichever source has them."""
    return _daily(DateRange(start, end)).filter(symbol=symbol, open__isnull=False).order_by("time")


def prices_on(symbols: Iterable[str], day: date) -> dict[str, Decimal]:
    """Return each symbol's close as traded on the day, else of the last seven days before it.

    One without such a bar has the last quote's trade price; one without a quote is absent.
    """
    wanted = set(symbols)
    if not wanted:
        return {}
    bars = _daily(DateRange(day - PRICE_DAYS, day)).filter(symbol__in=wanted, open__isnull=False)
    closes = bars.exclude(close=None).order_by("time").values_list("symbol", "close")
    found = {symbol: close for symbol, close in closes if close is not None}
    quotes = quotes_get(wanted - found.keys())
    return found | {symbol: quote.last for symbol, quote in quotes.items()}


def replay_days(start: date, end: date) -> dict[str, list[DailyBar]]:
    """Return the daily bars of every quoted instrument in the range, by symbol, oldest first.

    An index is among them: nobody trades it, but portfolios are measured against it.

    A symbol with prices as traded gives those only; one with adjusted closes alone gives these.
    """
    symbols = list(Instrument.objects.quoted().values_list("symbol", flat=True))
    rows = _daily(DateRange(start, end)).filter(symbol__in=symbols).order_by("time", "source")
    traded: dict[str, list[DailyBar]] = {}
    adjusted: dict[str, list[DailyBar]] = {}
    for row in rows:
        kind = adjusted if row.open is None else traded
        kind.setdefault(row.symbol, []).append(row.as_bar())
    return adjusted | traded


def _daily(days: DateRange) -> QuerySet[Bar]:
    return Bar.objects.filter(
        interval=DAILY, time__gte=_midnight(days.start), time__lte=_midnight(days.end)
    )


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def session_is_open(instrument: Instrument, at: datetime) -> bool:
    """Return whether orders in the instrument can be filled at that moment.

    Replayed history trades round the clock; a live provider follows the exchange's calendar.
    """
    if settings.MARKET_PROVIDER == "replay":
        return True
    if instrument.asset_class == Instrument.AssetClass.CRYPTO:
        return True
    return sessions.is_open(instrument.exchange, at)


def check_feed() -> Finding:
    """Grade the live feed by the age of its newest quote."""
    newest = LastQuote.objects.aggregate(at=Max("at"))["at"]
    age = (timezone.now() - newest).total_seconds() if newest else None
    return grade_age(age, late=15, down=3600, missing="No quote was ever received.")


def session_end(instrument: Instrument, at: datetime) -> datetime:
    """Return when the session ends that an order of that moment belongs to (UTC).

    Where trading never stops (replayed history, crypto) a session is a day in UTC.  Raises
    Unavailable where the calendar ends.
    """
    round_the_clock = instrument.asset_class == Instrument.AssetClass.CRYPTO
    if settings.MARKET_PROVIDER == "replay" or round_the_clock:
        return _midnight(at.astimezone(UTC).date() + timedelta(days=1))
    closing = sessions.next_close(instrument.exchange, at)
    if closing is None:
        raise Unavailable("The exchange's calendar does not reach that far.")
    return closing


def session_from(exchange: str, day: date) -> sessions.Session:
    """Return the exchange's first session on that day or after it, by its calendar.

    Raises NotFound without a calendar, Unavailable where the calendar ends.
    """
    found = sessions.sessions(exchange, DateRange(day, day + timedelta(days=12)))
    if not found:
        raise Unavailable("The exchange's calendar does not reach that far.")
    return found[0]


@dataclass(frozen=True, slots=True)
class Clock:
    """The exchange's own hours; `price_source` says where the prices come from meanwhile."""

    at: datetime
    exchange: str
    is_open: bool
    next_open: datetime | None
    next_close: datetime | None
    price_source: str


def clock_get(exchange: str, at: datetime) -> Clock:
    """Return the exchange's state at that moment; raises NotFound without a calendar."""
    return Clock(
        at=at,
        exchange=exchange,
        is_open=sessions.is_open(exchange, at),
        next_open=sessions.next_open(exchange, at),
        next_close=sessions.next_close(exchange, at),
        price_source=settings.MARKET_PROVIDER,
    )


def fx_rate(source: str, target: str, *, on: date, rounding: str = ROUND_HALF_EVEN) -> FxRate:
    """Return the ECB's reference rate of `on`, else of the last day before that has one.

    Units of `target` for one of `source`, through the euro; its day is the older one's of the two.

    Raises Refused `fx_currency_unknown` for a currency that was never published, and
    Unavailable `fx_rate_unavailable` beyond settings.FX_RATE_MAX_AGE_DAYS.
    """
    found = fx_rates([source], target, on=on, rounding=rounding).get(source)
    if found is not None:
        return found
    for currency in sorted({source, target} - {EURO}):
        if not ReferenceRate.objects.filter(currency=currency).exists():
            raise Refused(
                "There are no reference rates of this currency.",
                code="fx_currency_unknown",
                currency=currency,
            )
    raise Unavailable(
        "There is no reference rate that is recent enough.",
        code="fx_rate_unavailable",
        limit=f"{settings.FX_RATE_MAX_AGE_DAYS} days",
    )


def fx_currencies() -> list[str]:
    """Return the currencies that convert today, by code."""
    today = timezone.now().date()
    return sorted(fx_rates(MINOR_UNITS, EURO, on=today))


def fx_rates(
    sources: Iterable[str], target: str, *, on: date, rounding: str = ROUND_HALF_EVEN
) -> dict[str, FxRate]:
    """Return `fx_rate` of the sources to the target, by source, in one query at most.

    A source without a rate that is recent enough is absent.
    """
    wanted = set(sources)
    rates = {target: FxRate(Decimal(1), on, "")} if target in wanted else {}
    foreign = wanted - {target}
    if not foreign:
        return rates
    oldest = on - timedelta(days=settings.FX_RATE_MAX_AGE_DAYS)
    to_euro = latest_rates(sorted((foreign | {target}) - {EURO}), on)
    known = {currency: found for currency, found in to_euro.items() if found[0] >= oldest}
    known[EURO] = (on, Decimal(1), "")
    far = known.get(target)
    for source in foreign & known.keys():
        if far is not None:
            near = known[source]
            rate = cross(near[1], far[1], rounding)
            rates[source] = FxRate(rate, min(near[0], far[0]), near[2] or far[2])
    return rates
