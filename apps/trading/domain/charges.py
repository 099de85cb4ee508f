"""What keeping assets costs and what cash earns: kinds, rates, and how days become an amount."""

from calendar import monthrange
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from enum import StrEnum

from apps.core.domain.money import MINOR_UNITS, exact
from apps.core.errors import InvalidInput

# Actual days over 365, leap years too (ACT/365 fixed), for fees and for every currency.
DAYS_IN_YEAR = 365
BASIS_POINTS = 10_000
RATE_PLACES = 2


class ChargeKind(StrEnum):
    """A fee on all assets of a portfolio, or interest that the firm pays on one currency."""

    CUSTODY_FEE = "CUSTODY_FEE"
    CREDIT_INTEREST = "CREDIT_INTEREST"


# The most basis points a year that a rate may have: a typing error is not to empty accounts.
MOST_BPS = {ChargeKind.CUSTODY_FEE: Decimal(500), ChargeKind.CREDIT_INTEREST: Decimal(2500)}


def check_rate(kind: ChargeKind, currency: str, rate_bps: Decimal | None) -> None:
    """Raise InvalidInput for a rate of that kind that cannot be."""
    if (currency in MINOR_UNITS) is not (kind is ChargeKind.CREDIT_INTEREST) or (
        kind is ChargeKind.CUSTODY_FEE and currency
    ):
        raise InvalidInput("Interest names a currency, a fee names none.", field="currency")
    most = MOST_BPS[kind]
    if rate_bps is not None and not 0 <= exact(rate_bps, places=RATE_PLACES, name="rate") <= most:
        raise InvalidInput(f"From 0 to {most} basis points a year.", field="rate")


def amount_accrued(weighted: Decimal, currency: str) -> Decimal:
    """Return what days come to, in the currency's minor unit, rounded once and half to even.

    `weighted` is the sum over the days of base times basis points a year, exact.  Source: simple
    interest, base x rate x days / 365.
    """
    with localcontext(prec=80):
        exact_amount = weighted / (BASIS_POINTS * DAYS_IN_YEAR)
        return exact_amount.quantize(Decimal(1).scaleb(-MINOR_UNITS[currency]), ROUND_HALF_EVEN)


def is_month_end(day: date) -> bool:
    return day.day == monthrange(day.year, day.month)[1]
