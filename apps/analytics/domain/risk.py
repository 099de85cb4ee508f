"""How bumpy the way was: drawdown and volatility."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Drawdown:
    """The deepest fall: `depth` is a fraction ≤ 0, the rest are positions in the series."""

    depth: Decimal
    peak: int
    trough: int
    recovery: int | None


def max_drawdown(levels: Sequence[Decimal]) -> Drawdown | None:
    """Return the deepest fall from a running peak; None for an empty series.

    `levels` are positive index levels (1 plus the accumulated return), flows taken out;
    depth = min over t of level_t / max(level_0..t) - 1.
    """
    if not levels:
        return None
    peak, worst = 0, Drawdown(Decimal(0), 0, 0, 0)
    for at, level in enumerate(levels):
        if level > levels[peak]:
            peak = at
        depth = level / levels[peak] - 1
        if depth < worst.depth:
            worst = Drawdown(depth, peak, at, None)
    if worst.depth == 0:
        return worst
    top = levels[worst.peak]
    recovery = next((at for at in range(worst.trough, len(levels)) if levels[at] >= top), None)
    return Drawdown(worst.depth, worst.peak, worst.trough, recovery)


def volatility(returns: Sequence[Decimal], *, periods_per_year: int) -> Decimal | None:
    """Return the annualised sample standard deviation of the returns; None below two of them.

    sigma = sqrt(sum((r - mean)^2) / (n - 1)) * sqrt(periods_per_year)
    """
    count = len(returns)
    if count < 2:
        return None
    mean = sum(returns, Decimal(0)) / count
    variance = sum(((value - mean) ** 2 for value in returns), Decimal(0)) / (count - 1)
    return (variance * periods_per_year).sqrt()
