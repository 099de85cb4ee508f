"""What a lot gained: the price's part, the currency's part, and how long it was held."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum
from zoneinfo import ZoneInfo

from apps.trading.domain.lots import COST_STEP

# The day of a trade is that of the exchanges whose instruments we hold.
MARKET_ZONE = ZoneInfo("America/New_York")


class Term(StrEnum):
    SHORT = "SHORT"
    LONG = "LONG"


@dataclass(frozen=True, slots=True)
class Gain:
    """`local` is in the instrument's currency; the others in the portfolio's, 8 decimals.

    `price_effect` + `fx_effect` = `total`, exactly.
    """

    local: Decimal
    price_effect: Decimal
    fx_effect: Decimal

    @property
    def total(self) -> Decimal:
        return self.price_effect + self.fx_effect

    def __add__(self, other: "Gain") -> "Gain":
        return Gain(
            self.local + other.local,
            self.price_effect + other.price_effect,
            self.fx_effect + other.fx_effect,
        )


NO_GAIN = Gain(Decimal(0), Decimal(0), Decimal(0))


def gain_of(*, cost: Decimal, value: Decimal, rate_then: Decimal, rate_now: Decimal) -> Gain:
    """Return what units gained that cost `cost` and are worth `value`, in their own currency.

    The rates are the portfolio's currency for one of theirs, at the purchase and now.  With cost
    C, value V and rates f0, f1 the total is V f1 - C f0, the price's part (V - C) f0 and the
    currency's part V (f1 - f0).  Total and price part are rounded half to even to 8 decimals; the
    currency's part is their difference, so that nothing is lost between them.
    """
    total = (value * rate_now - cost * rate_then).quantize(COST_STEP, ROUND_HALF_EVEN)
    price = ((value - cost) * rate_then).quantize(COST_STEP, ROUND_HALF_EVEN)
    return Gain(value - cost, price, total - price)


def market_day(at: datetime) -> date:
    """Return the exchange's day of that moment."""
    return at.astimezone(MARKET_ZONE).date()


def market_midnight(day: date) -> datetime:
    """Return when that day begins at the exchange."""
    return datetime(day.year, day.month, day.day, tzinfo=MARKET_ZONE)


def held_since(acquired: date) -> date:
    """Return the first day that counts: the one after the acquisition (Rev. Rul. 66-7)."""
    return acquired + timedelta(days=1)


def term_of(acquired: date, sold: date) -> Term:
    """Return LONG for units that were held for more than one year (26 USC 1222), else SHORT.

    The day of acquisition is not counted, the day of sale is: bought on 5 January, units are long
    from 6 January of the next year on.
    """
    first = held_since(acquired)
    if (first.month, first.day) == (2, 29):
        return Term.LONG if sold >= date(first.year + 1, 3, 1) else Term.SHORT
    return Term.LONG if sold >= first.replace(year=first.year + 1) else Term.SHORT
