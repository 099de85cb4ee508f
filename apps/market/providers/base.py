"""What every source of live prices looks like to the stream."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from apps.market.domain.quotes import Quote


@dataclass(frozen=True, slots=True)
class Batch:
    """The quotes of one moment; `replayed_on` is the day of history behind them, if any."""

    quotes: Sequence[Quote]
    replayed_on: date | None = None


class QuoteProvider(Protocol):
    """A source of live quotes.

    `source` labels every quote.  `batch(at)` returns what is new at that moment and may raise
    Unavailable.
    """

    source: str

    def batch(self, at: datetime) -> Batch: ...
