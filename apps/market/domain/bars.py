"""A daily bar as a source published it, before it is a row."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

DAILY = "1d"


@dataclass(frozen=True, slots=True)
class DailyBar:
    """Prices in the instrument's currency; None where the source does not say.

    `open`, `high`, `low` and `close` are as traded on that day; `adjusted_close` is in today's
    units (splits and dividends taken out).
    """

    symbol: str
    day: date
    adjusted_close: Decimal
    open: Decimal | None = None
    high: Decimal | None = None
    low: Decimal | None = None
    close: Decimal | None = None
    volume: Decimal | None = None
