"""Questions to the tables of the market, and the bulk writes that only SQL does fast enough."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Self

from django.db import connection, connections, models

from apps.infrastructure.cache import TwoLevelCache
from apps.market.domain.bars import DAILY, DailyBar
from apps.market.domain.fx import EuroRate
from apps.market.domain.quotes import Quote
from apps.market.domain.wire import quote_pack, quote_unpack

if TYPE_CHECKING:
    from apps.market.models import Instrument


class InstrumentQuerySet(models.QuerySet["Instrument"]):
    def quoted(self) -> Self:
        """Keep what has live prices, indices too: what was delisted is gone."""
        return self.exclude(status="DELISTED")

    def tradable(self) -> Self:
        """Keep what an order may name: an index is only looked at."""
        return self.quoted().exclude(asset_class="INDEX")

    def locked(self, symbol: str) -> "Instrument | None":
        """Load one for writing; call inside a command only."""
        return self.select_for_update().filter(symbol=symbol).first()


# Written by ingestion only, and short-lived: a value that outlived its row could not be seen.
quote_cache = TwoLevelCache("quotes", ttl_seconds=5, local_ttl_seconds=0.25)


def remember_quotes(quotes: Iterable[Quote]) -> None:
    quote_cache.set_many({quote.symbol: quote_pack(quote) for quote in quotes})


def recall_quotes(symbols: Iterable[str]) -> dict[str, Quote]:
    """Return the quotes that memory or Redis still hold, by symbol."""
    found = quote_cache.get_many(symbols)
    return {symbol: quote_unpack(values) for symbol, values in found.items()}


BAR_COLUMNS = ("symbol", "source", "interval", "time")
BAR_VALUES = ("open", "high", "low", "close", "volume", "adjusted_close")
BAR_TYPES = ["varchar"] * 3 + ["timestamptz"] + ["numeric"] * 6
UPSERT_BARS = """
INSERT INTO market_bar AS bar
  (symbol, source, interval, time, open, high, low, close, volume, adjusted_close)
SELECT symbol, source, interval, time, open, high, low, close, volume, adjusted_close
  FROM incoming_bar
ON CONFLICT (symbol, source, interval, time) DO UPDATE SET
  open = excluded.open, high = excluded.high, low = excluded.low, close = excluded.close,
  volume = excluded.volume, adjusted_close = excluded.adjusted_close
WHERE (bar.open, bar.high, bar.low, bar.close, bar.volume, bar.adjusted_close)
  IS DISTINCT FROM (excluded.open, excluded.high, excluded.low, excluded.close, excluded.volume,
                    excluded.adjusted_close)
"""
TICK_COLUMNS = ("symbol", "source", "time", "bid", "ask", "last", "volume")
TICK_TYPES = ["varchar"] * 2 + ["timestamptz"] + ["numeric"] * 4
INSERT_TICKS = """
INSERT INTO market_tick (symbol, source, time, bid, ask, last, volume)
SELECT symbol, source, time, bid, ask, last, volume FROM incoming_tick
ON CONFLICT DO NOTHING
"""
UPSERT_LAST_QUOTES = """
INSERT INTO market_lastquote AS known (symbol, bid, ask, last, volume, at, source)
SELECT * FROM unnest(%s::varchar[], %s::numeric[], %s::numeric[], %s::numeric[], %s::numeric[],
                     %s::timestamptz[], %s::varchar[])
ON CONFLICT (symbol) DO UPDATE SET bid = excluded.bid, ask = excluded.ask, last = excluded.last,
  volume = excluded.volume, at = excluded.at, source = excluded.source
WHERE excluded.at > known.at
RETURNING symbol
"""
UPSERT_RATES = """
INSERT INTO market_referencerate AS known (currency, day, rate, source)
SELECT currency, day, rate, %s FROM incoming_referencerate
ON CONFLICT (currency, day) DO UPDATE SET rate = excluded.rate, source = excluded.source
WHERE known.rate <> excluded.rate
"""
# One index look-up a currency, however long the table and the way back are.
LATEST_RATES = """
SELECT wanted.currency, found.day, found.rate, found.source
  FROM unnest(%s::varchar[]) AS wanted (currency)
 CROSS JOIN LATERAL (
    SELECT day, rate, source FROM market_referencerate
     WHERE currency = wanted.currency AND day <= %s ORDER BY day DESC LIMIT 1
 ) AS found
"""


def _copy(table: str, columns: Sequence[str], types: list[str], rows: Iterable[Any]) -> Any:
    """Copy the rows into an empty temporary twin of the table; return the open cursor."""
    cursor = connections["timescale"].cursor()
    twin, names = f"incoming_{table.removeprefix('market_')}", ", ".join(columns)
    cursor.execute(f"CREATE TEMPORARY TABLE IF NOT EXISTS {twin} (LIKE {table}) ON COMMIT DROP")
    cursor.execute(f"TRUNCATE {twin}")
    with cursor.copy(f"COPY {twin} ({names}) FROM STDIN (FORMAT BINARY)") as copy:
        copy.set_types(types)
        for row in rows:
            copy.write_row(row)
    return cursor


def upsert_bars(source: str, bars: Iterable[DailyBar]) -> int:
    """Write daily bars; return how many rows were new or different.

    Call inside a transaction of `timescale`.
    """
    rows = (
        (
            *(bar.symbol, source, DAILY, datetime.combine(bar.day, time(), UTC)),
            *(bar.open, bar.high, bar.low, bar.close, bar.volume, bar.adjusted_close),
        )
        for bar in bars
    )
    with _copy("market_bar", BAR_COLUMNS + BAR_VALUES, BAR_TYPES, rows) as cursor:
        cursor.execute(UPSERT_BARS)
        return int(cursor.rowcount)


def insert_ticks(quotes: Iterable[Quote]) -> int:
    """Append quotes as ticks; one that is there already stays.  Return how many were new.

    Call inside a transaction of `timescale`.
    """
    rows = ((q.symbol, q.source, q.at, q.bid, q.ask, q.last, q.volume) for q in quotes)
    with _copy("market_tick", TICK_COLUMNS, TICK_TYPES, rows) as cursor:
        cursor.execute(INSERT_TICKS)
        return int(cursor.rowcount)


def upsert_last_quotes(quotes: Sequence[Quote]) -> set[str]:
    """Replace last quotes by newer ones, one quote a symbol; return the symbols that moved."""
    # In one order, so that two writers never wait for each other in a circle.
    rows = sorted((q.symbol, q.bid, q.ask, q.last, q.volume, q.at, q.source) for q in quotes)
    with connection.cursor() as cursor:
        cursor.execute(UPSERT_LAST_QUOTES, [list(column) for column in zip(*rows, strict=True)])
        return {row[0] for row in cursor.fetchall()}


def upsert_rates(source: str, rates: Iterable[EuroRate]) -> int:
    """Write rates to the euro; return how many were new or different.  Call in a transaction."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMPORARY TABLE incoming_referencerate (currency varchar, day date,"
            " rate numeric) ON COMMIT DROP"
        )
        with cursor.copy("COPY incoming_referencerate FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types(["varchar", "date", "numeric"])
            for rate in rates:
                copy.write_row((rate.currency, rate.day, rate.rate))
        cursor.execute(UPSERT_RATES, [source])
        changed = int(cursor.rowcount)
        cursor.execute("DROP TABLE incoming_referencerate")
    return changed


def latest_rates(currencies: Iterable[str], on: date) -> dict[str, tuple[date, Decimal, str]]:
    """Return day, rate and source of each currency's newest rate of `on` or before it."""
    with connection.cursor() as cursor:
        cursor.execute(LATEST_RATES, [list(currencies), on])
        return {row[0]: (row[1], row[2], row[3]) for row in cursor.fetchall()}
