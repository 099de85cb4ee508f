"""Real daily bars played again as ticks: honest history at a speed that can be watched.

The wall clock is mapped onto the replayed days: every `seconds_per_day` is one session, and after
the last day the first follows.  The same moment always gives the same prices, in whatever process,
so that a new leader goes on exactly where the old one stopped.
"""

import hashlib
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from functools import lru_cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from apps.core.errors import Unavailable
from apps.market.domain.bars import DailyBar
from apps.market.domain.quotes import Quote
from apps.market.providers.base import Batch

SOURCE = "replay"
TICK_SIZE = Decimal("0.01")
BASIS_POINT = Decimal("0.0001")
# Where a source has no volume, what the venue may fill against; an assumption, not history.
ASSUMED_DAY_VOLUME = Decimal(5_000_000)
# Where a source has no high and low: the least range of a day, as a share of the price.
LEAST_RANGE = 0.004
Path = npt.NDArray[np.float64]


def _rounded(value: float | Decimal, rounding: str = ROUND_HALF_EVEN) -> Decimal:
    return max(Decimal(value).quantize(TICK_SIZE, rounding), TICK_SIZE)


def _random(symbol: str, day: date) -> np.random.Generator:
    digest = hashlib.sha256(f"{symbol}|{day.isoformat()}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "big"))


def intraday_path(
    *, start: float, end: float, low: float, high: float, steps: int, random: np.random.Generator
) -> Path:
    """Return `steps` prices from `start` to `end` that stay within `low` and `high`.

    A Brownian bridge: W(t) - t W(1) on the logarithm of the price, with the day's volatility by
    the range estimator sigma² = ln(high/low)² / (4 ln 2) (Parkinson, 1980), clipped to the range.
    The largest inner step is set to `high` and the smallest to `low`, so that the ticks add up to
    the bar they came from.
    """
    time = np.linspace(0.0, 1.0, steps)
    sigma = math.log(high / low) / (2 * math.sqrt(math.log(2))) if high > low else 0.0
    walk = np.concatenate(
        [[0.0], np.cumsum(random.normal(0.0, sigma / math.sqrt(steps - 1), steps - 1))]
    )
    bridge = walk - time * walk[-1]
    free: Path = np.exp(math.log(start) + time * math.log(end / start) + bridge)
    path: Path = np.clip(free, low, high)
    inner = path[1:-1]
    if inner.size >= 2 and high > low:
        top = int(np.argmax(inner))
        inner[top] = high
        inner[int(np.argmin(inner))] = low
    path[0], path[-1] = start, end
    return path


class ReplayProvider:
    """Quotes made from daily bars of the same days for every symbol.

    `days` holds, per symbol, its bars in order of date; a symbol without a bar on a day keeps its
    last price of the day before.  Prices are as traded where the source has them, else adjusted.
    Spreads are `spread_bps` basis points of the price, at least one cent.
    """

    source = SOURCE

    def __init__(
        self,
        days: Mapping[str, Sequence[DailyBar]],
        *,
        seconds_per_day: int = 390,
        spread_bps: Decimal = Decimal(2),
    ) -> None:
        self.calendar = sorted({bar.day for bars in days.values() for bar in bars})
        if not self.calendar:
            raise Unavailable("There are no bars to replay; load them first.")
        self.bars = {symbol: {bar.day: bar for bar in bars} for symbol, bars in days.items()}
        self.previous = {symbol: _previous_closes(bars) for symbol, bars in days.items()}
        self.seconds_per_day = seconds_per_day
        self.spread_bps = spread_bps
        self._day_path = lru_cache(maxsize=4 * len(days) + 4)(self._make_path)

    def position(self, at: datetime) -> tuple[date, int]:
        """Return which day is replayed at that moment, and which second of it."""
        index, second = divmod(int(at.timestamp()), self.seconds_per_day)
        return self.calendar[index % len(self.calendar)], second

    def batch(self, at: datetime) -> Batch:
        """Return one quote per symbol that traded on the replayed day."""
        day, second = self.position(at)
        quotes = [
            self._quote(symbol, day, second, at)
            for symbol, bars in sorted(self.bars.items())
            if day in bars
        ]
        return Batch(quotes, replayed_on=day)

    def _quote(self, symbol: str, day: date, second: int, at: datetime) -> Quote:
        prices, volumes = self._day_path(symbol, day)
        last = prices[second]
        half = last * self.spread_bps * BASIS_POINT / 2
        bid = _rounded(last - half, ROUND_FLOOR)
        ask = max(_rounded(last + half, ROUND_CEILING), bid + TICK_SIZE)
        return Quote(symbol, bid, ask, last, volumes[second], at.astimezone(UTC), SOURCE)

    def _make_path(self, symbol: str, day: date) -> tuple[list[Decimal], list[Decimal]]:
        bar = self.bars[symbol][day]
        start, end, low, high = _shape(bar, self.previous[symbol].get(day))
        random = _random(symbol, day)
        steps = self.seconds_per_day
        path = intraday_path(
            start=float(start),
            end=float(end),
            low=float(low),
            high=float(high),
            steps=steps,
            random=random,
        )
        shares = random.exponential(1.0, steps)
        volume = float(bar.volume or ASSUMED_DAY_VOLUME)
        units = np.floor(shares / shares.sum() * volume)
        return [_rounded(float(price)) for price in path], [Decimal(int(unit)) for unit in units]


def _previous_closes(bars: Sequence[DailyBar]) -> dict[date, Decimal]:
    return {later.day: earlier.adjusted_close for earlier, later in pairwise(bars)}


def _shape(bar: DailyBar, previous: Decimal | None) -> tuple[Decimal, Decimal, Decimal, Decimal]:
    """Return open, close, low and high: the source's own, or what closes alone allow to assume."""
    known = (bar.open, bar.close, bar.low, bar.high)
    if None not in known:
        start, end, low, high = (_rounded(value) for value in known if value is not None)
        return start, end, low, high
    start, end = _rounded(previous or bar.adjusted_close), _rounded(bar.adjusted_close)
    margin = Decimal(LEAST_RANGE) * end / 2
    low = _rounded(min(start, end) - margin, ROUND_FLOOR)
    return start, end, low, _rounded(max(start, end) + margin, ROUND_CEILING)
