"""What the order ticket and the symbol search show."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from apps.ledger.domain.legs import AccountKind
from apps.ledger.selectors import balance_get
from apps.market.domain.quotes import Quote
from apps.market.selectors import (
    bars_list,
    instrument_get,
    instrument_list,
    quotes_get,
    traded_bars,
)
from apps.portal.domain.wording import FIRM_STATES, INSTRUMENT_STATES
from apps.portal.selectors.portfolios import PortfolioChoice
from apps.trading.selectors.firm import firm_state
from apps.trading.services import policies

MOST_ROWS = 50
MOST_BARS = 750
HISTORY = timedelta(days=366 * 60)


@dataclass(frozen=True, slots=True)
class InstrumentRow:
    symbol: str
    name: str
    asset_class: str
    quote: Quote | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """An instrument, its price now and before, and what the portfolio has of it."""

    symbol: str
    name: str
    exchange: str
    currency: str
    sector: str
    quote: Quote | None
    stale_after_ms: str
    is_fresh: bool
    bars: list[dict[str, Any]]
    position: Decimal
    cash: Decimal
    notices: tuple[str, ...]

    @property
    def last_bar(self) -> str:
        return str(self.bars[-1]["time"])

    @property
    def last_close(self) -> str:
        last = self.bars[-1]
        return str(last.get("close", last.get("value")))


def instrument_search(query: str) -> tuple[list[InstrumentRow], bool]:
    """Return the first tradable instruments whose symbol or name has the text, and if more do."""
    rows = instrument_list()
    if query:
        rows = rows.filter(symbol__istartswith=query) | rows.filter(name__icontains=query)
    found = list(rows[: MOST_ROWS + 1])
    shown = found[:MOST_ROWS]
    quotes = quotes_get(row.symbol for row in shown)
    return [
        InstrumentRow(row.symbol, row.name, row.get_asset_class_display(), quotes.get(row.symbol))
        for row in shown
    ], len(found) > MOST_ROWS


def ticket_read(portfolio: PortfolioChoice, symbol: str) -> Ticket:
    """Return the ticket's facts; raises NotFound for an unknown symbol."""
    instrument = instrument_get(symbol)
    quote = quotes_get([symbol]).get(symbol)
    longest = policies.limits().quote_age
    return Ticket(
        symbol=instrument.symbol,
        name=instrument.name,
        exchange=instrument.exchange,
        currency=instrument.currency,
        sector=instrument.sector,
        quote=quote,
        stale_after_ms=str(int(longest.total_seconds() * 1000)),
        is_fresh=quote is not None and timezone.now() - quote.at <= longest,
        bars=chart_bars(symbol),
        position=balance_get(portfolio.id, AccountKind.SECURITIES, symbol),
        cash=balance_get(portfolio.id, AccountKind.CASH, instrument.currency),
        notices=_notices(instrument.status),
    )


def _notices(status: str) -> tuple[str, ...]:
    """Return, in plain words, what is not taken at the moment."""
    found = (FIRM_STATES.get(firm_state()), INSTRUMENT_STATES.get(status))
    return tuple(text for text in found if text)


def chart_bars(symbol: str) -> list[dict[str, Any]]:
    """Return the newest daily bars, oldest first, as the chart takes them.

    Floats: they are drawn and never counted with.  Prices as traded give open, high, low and
    close; where there are none, adjusted closes give `value`.
    """
    today = timezone.localdate()
    span = (today - HISTORY, today)
    newest = list(traded_bars(symbol, *span).reverse()[:MOST_BARS])
    if not newest:
        newest = list(bars_list(symbol, *span).reverse()[:MOST_BARS])
    return [_chart_bar(bar) for bar in reversed(newest)]


def _chart_bar(bar: Any) -> dict[str, Any]:
    time = bar.time.date().isoformat()
    if None in (bar.open, bar.high, bar.low, bar.close):
        return {"time": time, "value": float(bar.adjusted_close)}
    prices = {name: float(getattr(bar, name)) for name in ("open", "high", "low", "close")}
    return {"time": time, **prices, "volume": float(bar.volume or 0)}
