"""Returns of a portfolio: time-weighted and money-weighted."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise

import pyxirr

from apps.core.errors import InvalidInput

DAY_COUNTS = {
    "ACT/365F": pyxirr.DayCount.ACT_365F,
    "ACT/360": pyxirr.DayCount.ACT_360,
    "ACT/ACT ISDA": pyxirr.DayCount.ACT_ACT_ISDA,
    "30/360 ISDA": pyxirr.DayCount.THIRTY_360_ISDA,
    "30E/360": pyxirr.DayCount.THIRTY_E_360,
}


@dataclass(frozen=True, slots=True)
class DayValue:
    """A day's closing value and that day's flows, all in one currency, flows not negative."""

    day: date
    value: Decimal
    deposits: Decimal = Decimal(0)
    withdrawals: Decimal = Decimal(0)


def daily_returns(days: Sequence[DayValue]) -> list[Decimal]:
    """Return each day's return as a fraction; the days follow each other, the first starts empty.

    Deposits count at the start of the day, withdrawals at its end:
    r = (V_end + out) / (V_prev + in) - 1, and 0 on a day that had nothing to earn on.
    Source: the true time-weighted return of Portfolio Performance (its ClientIndex).
    """
    before = DayValue(date.min, Decimal(0))
    returns = []
    for previous, current in pairwise([before, *days]):
        base = previous.value + current.deposits
        end = current.value + current.withdrawals
        returns.append(end / base - 1 if base > 0 else Decimal(0))
    return returns


def chained(returns: Sequence[Decimal]) -> list[Decimal]:
    """Return the accumulated return after each period, as fractions."""
    total = Decimal(1)
    accumulated = []
    for value in returns:
        total *= 1 + value
        accumulated.append(total - 1)
    return accumulated


def time_weighted_return(days: Sequence[DayValue]) -> Decimal | None:
    """Return the chained daily returns as a fraction, not annualised; None without days."""
    return chained(daily_returns(days))[-1] if days else None


def money_weighted_return(
    flows: Sequence[tuple[date, Decimal]], *, day_count: str = "ACT/365F"
) -> float | None:
    """Return the annual internal rate of return (XIRR) as a fraction, None where there is none.

    `flows` are the investor's: money paid in is negative, money taken out and the closing value
    are positive.  `day_count` is a key of DAY_COUNTS; ACT/365F is what spreadsheets use.
    Source: Anexen/pyxirr.  Raises InvalidInput for an unknown day count.
    """
    if day_count not in DAY_COUNTS:
        raise InvalidInput("Unknown day count.", field="day_count")
    if not (any(amount > 0 for _, amount in flows) and any(amount < 0 for _, amount in flows)):
        return None
    dates, amounts = zip(*flows, strict=True)
    rate: float | None = pyxirr.xirr(
        dates, [float(amount) for amount in amounts], day_count=DAY_COUNTS[day_count], silent=True
    )
    return rate
