"""How a batch of quotes travels: from the ingesting worker by Redis to every feed process."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from apps.core.errors import InvalidInput
from apps.market.domain.quotes import Quote

QUOTES_CHANNEL = "stratford.market.quotes"
FIELDS = ("symbol", "bid", "ask", "last", "volume", "at", "source")


def plain(number: Decimal) -> str:
    """Return the number without an exponent, with at least its own decimals."""
    return format(number, "f")


def moment(at: datetime) -> str:
    """Return the moment as RFC 3339 in UTC, to the millisecond."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def quote_pack(quote: Quote) -> dict[str, str]:
    """Return the quote as JSON primitives, exact: what a task carries."""
    return {
        "symbol": quote.symbol,
        "bid": str(quote.bid),
        "ask": str(quote.ask),
        "last": str(quote.last),
        "volume": str(quote.volume),
        "at": quote.at.isoformat(),
        "source": quote.source,
    }


def quote_unpack(values: Mapping[str, Any]) -> Quote:
    """Return the quote that `quote_pack` packed; raises InvalidInput for anything else."""
    try:
        texts = {name: values[name] for name in FIELDS}
        if not all(isinstance(text, str) for text in texts.values()):
            raise InvalidInput("A quote's values travel as text.", field="ticks")
        numbers = {name: Decimal(texts[name]) for name in ("bid", "ask", "last", "volume")}
        return Quote(
            symbol=texts["symbol"],
            at=datetime.fromisoformat(texts["at"]),
            source=texts["source"],
            **numbers,
        )
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        raise InvalidInput("Not a quote.", field="ticks") from error


def client_quote(quote: Quote) -> dict[str, str]:
    """Return the quote as a client of the live feed sees it."""
    return {
        "s": quote.symbol,
        "b": plain(quote.bid),
        "a": plain(quote.ask),
        "l": plain(quote.last),
        "t": moment(quote.at),
        "src": quote.source,
    }


def batch_message(quotes: Sequence[Quote], replayed_on: date | None) -> str:
    """Return one batch as the feed processes read it from Redis."""
    return json.dumps(
        {
            "replayed_on": replayed_on.isoformat() if replayed_on else None,
            "quotes": [client_quote(quote) for quote in quotes],
        },
        separators=(",", ":"),
    )
