"""Reference rates between currencies, and what an amount is worth at one."""

from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal, localcontext

from apps.core.domain.money import Money

EURO = "EUR"
RATE_PLACES = 12


@dataclass(frozen=True, slots=True)
class FxRate:
    """Units of the target for one unit of the source; `on` is the day it was published for.

    At most 12 decimals.  `source` names the publisher; "" is a currency in itself.
    """

    rate: Decimal
    on: date
    source: str

    def convert(self, amount: Decimal, target: str) -> Money:
        """Return the amount's worth in the target at its minor unit, half to even."""
        return Money(amount * self.rate, target).rounded()


@dataclass(frozen=True, slots=True)
class EuroRate:
    """Units of a currency for one euro, as the publisher states it."""

    currency: str
    day: date
    rate: Decimal


def cross(source: Decimal, target: Decimal, rounding: str = ROUND_HALF_EVEN) -> Decimal:
    """Return target per source of two rates to the euro, at 12 decimals.

    Source: the ECB's reference rates are stated to the euro; others are their quotient.
    """
    with localcontext(prec=60):
        return (target / source).quantize(Decimal(1).scaleb(-RATE_PLACES), rounding)
