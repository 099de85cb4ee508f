"""What a client gets for one currency in another: never more than the market gave for it."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_FLOOR, Decimal, localcontext

from apps.core.domain.money import MINOR_UNITS, Money
from apps.core.errors import Refused
from apps.market.domain.fx import RATE_PLACES

ONE_IN_BASIS_POINTS = Decimal(10_000)


@dataclass(frozen=True, slots=True)
class Terms:
    """A conversion at a firm rate; `reference` is the ECB's of `reference_on` before the spread."""

    sold: Money
    bought: Money
    reference: Decimal
    reference_on: date
    source: str
    spread_bps: Decimal
    rate: Decimal


@dataclass(frozen=True, slots=True)
class Quote:
    """Terms that the firm keeps to until `expires_at`; `token` says so, signed."""

    terms: Terms
    expires_at: datetime
    token: str


def convert(
    sold: Money, target: str, *, reference: Decimal, on: date, source: str, spread_bps: Decimal
) -> Terms:
    """Return the terms: the reference less the spread at 12 decimals, the amount in minor units.

    `reference` is units of the target for one unit sold, rounded down.  Both roundings are down,
    so that a conversion there and back never gains.  Raises Refused for the same currency, an
    amount that is not positive in whole minor units, and one that buys nothing or too much.
    """
    if sold.currency == target or target not in MINOR_UNITS:
        raise Refused("Choose another currency.", code="same_currency")
    if sold.amount <= 0 or sold != sold.rounded():
        raise Refused("A positive amount in whole minor units.", code="amount_not_whole")
    with localcontext(prec=60, rounding=ROUND_FLOOR):
        charged = reference * (1 - spread_bps / ONE_IN_BASIS_POINTS)
        rate = charged.quantize(Decimal(1).scaleb(-RATE_PLACES))
        amount = (sold.amount * rate).quantize(Decimal(1).scaleb(-MINOR_UNITS[target]))
    if amount <= 0:
        raise Refused("The amount is too small to convert.", code="amount_too_small")
    bought = Money.of(amount, target)
    return Terms(sold, bought, reference, on, source, spread_bps, rate)
