"""Queries of analytics: what a portfolio is worth, how it got there, and its last report."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

import structlog
from django.utils import timezone
from pybreaker import CircuitBreakerError
from pymongo.errors import PyMongoError

from apps.analytics.domain.returns import (
    DayValue,
    chained,
    daily_returns,
    money_weighted_return,
    time_weighted_return,
)
from apps.analytics.domain.risk import max_drawdown, volatility
from apps.analytics.models import PortfolioValuation
from apps.analytics.repositories import Sample, samples
from apps.core.errors import InvalidInput
from apps.core.queries import snapshot
from apps.infrastructure.documents import collection
from apps.infrastructure.resilience import breaker
from apps.ledger.domain.legs import is_currency
from apps.ledger.selectors import balances_of
from apps.market.domain.fx import FxRate
from apps.market.selectors import fx_rates, instrument_list, quotes_get
from apps.trading.selectors.cash import cash_flows, cash_list, transfer_totals
from apps.trading.selectors.portfolios import portfolio_get
from apps.users.models import User

if TYPE_CHECKING:
    from apps.trading.models import Portfolio

logger = structlog.get_logger(__name__)
MAX_POINTS = 2000
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
PERIODS = {"1D": timedelta(days=1), "1W": timedelta(weeks=1), "1M": timedelta(days=30)}
TRADING_DAYS = 252


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of the portfolio: its value in the portfolio's currency and its share (0 to 1)."""

    name: str
    value: Decimal
    weight: Decimal


@dataclass(frozen=True, slots=True)
class Summary:
    """A portfolio now, in its currency; `is_complete` is False when a holding had no price or rate.

    `fx_rates_on` is the day of the oldest exchange rate in it, None where all is in its currency.
    """

    portfolio_id: UUID
    currency: str
    value: Decimal
    cash: Decimal
    held: Decimal
    invested: Decimal
    net_deposits: Decimal
    day_profit: Decimal
    total_profit: Decimal
    by_symbol: list[Slice]
    by_sector: list[Slice]
    is_complete: bool
    priced_at: datetime | None
    fx_rates_on: date | None


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """The value at an instant, and what the same flows in the benchmark would be worth."""

    at: datetime
    value: Decimal
    benchmark: Decimal | None


@dataclass(frozen=True, slots=True)
class PeriodReturn:
    """A period's time-weighted return as a fraction (not annualised), None without history."""

    period: str
    since: datetime | None
    time_weighted: Decimal | None


@dataclass(frozen=True, slots=True)
class Performance:
    """Returns by period, the annual money-weighted return (XIRR, ACT/365F) and risk since start."""

    periods: list[PeriodReturn]
    money_weighted: Decimal | None
    max_drawdown: Decimal | None
    volatility: Decimal | None


def portfolio_summary(user: User, portfolio_id: UUID) -> Summary:
    """Return the user's portfolio at the last quotes; raise NotFound for anybody else's.

    Total profit is the value less net deposits; the day's is the change since 00:00 UTC less the
    net deposits since then.
    """
    return summary_of(portfolio_get(user, portfolio_id))


@snapshot()
def summary_of(portfolio: "Portfolio") -> Summary:
    """Return the summary of a portfolio that the caller may see."""
    own, now = portfolio.currency, timezone.now()
    money = cash_list(portfolio.id, own)
    units: defaultdict[str, Decimal] = defaultdict(Decimal)
    for row in balances_of(portfolio.id):
        if row.balance and not is_currency(row.asset):
            units[row.asset] += row.balance
    quotes = quotes_get(units)
    listed = {
        item.symbol: item for item in instrument_list(only_tradable=False).filter(symbol__in=units)
    }
    rates = fx_rates({item.currency for item in listed.values()}, own, on=now.date())
    values = {
        symbol: rates[item.currency].convert(quotes[symbol].last * units[symbol], own).amount
        for symbol, item in listed.items()
        if symbol in quotes and item.currency in rates
    }
    sectors: defaultdict[str, Decimal] = defaultdict(Decimal)
    for symbol, value in values.items():
        sectors[listed[symbol].sector or "Other"] += value
    invested = sum(values.values(), Decimal(0))
    cash, held = (
        sum((row.fx.convert(amount, own).amount for row, amount in part if row.fx), Decimal(0))
        for part in ([(row, row.free) for row in money], [(row, row.held) for row in money])
    )
    total = cash + held + invested
    deposits, withdrawals = transfer_totals([portfolio.id]).get(
        portfolio.id, (Decimal(0), Decimal(0))
    )
    net = deposits - withdrawals
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    before = PortfolioValuation.objects.last_before(portfolio.id, midnight)
    opening = before.total - (before.deposits - before.withdrawals) if before else Decimal(0)
    return Summary(
        portfolio_id=portfolio.id,
        currency=portfolio.currency,
        value=total,
        cash=cash,
        held=held,
        invested=invested,
        net_deposits=net,
        day_profit=total - net - opening,
        total_profit=total - net,
        by_symbol=_slices({**values, "Cash": cash + held}, total),
        by_sector=_slices({**sectors, "Cash": cash + held}, total),
        is_complete=len(values) == len(units) and all(row.fx for row in money),
        priced_at=min((quotes[symbol].at for symbol in values), default=None),
        fx_rates_on=_oldest([*(row.fx for row in money), *rates.values()]),
    )


def _oldest(rates: Iterable[FxRate | None]) -> date | None:
    """Return the day of the oldest rate that was published, None where none was needed."""
    return min((rate.on for rate in rates if rate and rate.source), default=None)


def _slices(values: dict[str, Decimal], total: Decimal) -> list[Slice]:
    ordered = sorted(values.items(), key=lambda item: (-item[1], item[0]))
    return [
        Slice(name, value, round(value / total, 6)) for name, value in ordered if value and total
    ]


def equity_curve(
    user: User, portfolio_id: UUID, *, since: datetime, points: int = 200
) -> list[CurvePoint]:
    """Return at most about `points` values since that instant, oldest first.

    The benchmark starts at the first value and receives the same deposits and withdrawals; it is
    None while the benchmark has no quote.  Raises NotFound, and InvalidInput for points outside
    2 to 2,000.
    """
    portfolio = portfolio_get(user, portfolio_id)
    if not 2 <= points <= MAX_POINTS:
        raise InvalidInput(f"From 2 to {MAX_POINTS} points.", field="points")
    valuations = PortfolioValuation.objects.of(portfolio.id).filter(time__gte=since)
    first = valuations.values_list("time", flat=True).first()
    if first is None:
        return []
    span = max(timezone.now() - first, timedelta(seconds=points))
    return _with_benchmark(samples(portfolio.id, first, span / points))


def _with_benchmark(rows: Iterable[Sample]) -> list[CurvePoint]:
    curve: list[CurvePoint] = []
    shares: Decimal | None = None
    net_before = Decimal(0)
    for row in rows:
        net = row.deposits - row.withdrawals
        if row.benchmark:
            bought = (row.total if shares is None else net - net_before) / row.benchmark
            shares = bought if shares is None else shares + bought
            net_before = net
        value = round(shares * row.benchmark, 2) if shares is not None and row.benchmark else None
        curve.append(CurvePoint(row.at, row.total, value))
    return curve


def performance_table(user: User, portfolio_id: UUID) -> Performance:
    """Return the user's portfolio's returns and risk; raise NotFound for anybody else's.

    Volatility is annualised with 252 days, and None below two of them.
    """
    return performance_of(portfolio_get(user, portfolio_id))


def performance_of(portfolio: "Portfolio") -> Performance:
    """Return the performance of a portfolio that the caller may see."""
    now = timezone.now()
    rows = samples(portfolio.id, EPOCH, timedelta(days=1))
    days = _days(rows)
    periods = [_period(name, days, now - length) for name, length in PERIODS.items()]
    start = datetime.combine(days[0].day, datetime.min.time(), UTC) if days else None
    periods.append(PeriodReturn("START", start, _rounded(time_weighted_return(days))))
    returns = daily_returns(days)
    flows = []
    if rows:
        # What moved after the last valuation is not in its value.
        moved = (flow for flow in cash_flows([portfolio.id]) if flow.at <= rows[-1].at)
        flows = [(flow.at.date(), -flow.amount) for flow in moved]
        flows.append((days[-1].day, days[-1].value))
    spans_days = len({day for day, _ in flows}) > 1
    rate = money_weighted_return(flows) if spans_days else None
    fall = max_drawdown([Decimal(1), *(1 + value for value in chained(returns))])
    return Performance(
        periods=periods,
        money_weighted=_rounded(Decimal(str(rate)) if rate is not None else None),
        max_drawdown=_rounded(fall.depth if fall else None),
        # The first day only opens the portfolio.
        volatility=_rounded(volatility(returns[1:], periods_per_year=TRADING_DAYS)),
    )


def _days(rows: Iterable[Sample]) -> list[DayValue]:
    """Return the last valuation of every UTC day with the flows since the one before it."""
    days = []
    deposits = withdrawals = Decimal(0)
    for row in rows:
        flows = (row.deposits - deposits, row.withdrawals - withdrawals)
        days.append(DayValue(row.at.date(), row.total, *flows))
        deposits, withdrawals = row.deposits, row.withdrawals
    return days


def _period(name: str, days: list[DayValue], since: datetime) -> PeriodReturn:
    """Chain the days after `since`; None when the portfolio is younger than the period."""
    if not days or days[0].day > since.date():
        return PeriodReturn(name, since, None)
    pairs = zip(days, daily_returns(days), strict=True)
    inside = [value for day, value in pairs if day.day > since.date()]
    return PeriodReturn(name, since, _rounded(chained(inside)[-1]) if inside else None)


def _rounded(value: Decimal | None) -> Decimal | None:
    return None if value is None else round(value, 10)


def report_compose(portfolio: "Portfolio") -> dict[str, Any]:
    """Return the portfolio's report as a document: times as RFC 3339, decimals as strings."""
    summary, performance = summary_of(portfolio), performance_of(portfolio)
    return {
        "portfolio_id": str(portfolio.id),
        "generated_at": timezone.now().isoformat(),
        "currency": summary.currency,
        "value": str(summary.value),
        "net_deposits": str(summary.net_deposits),
        "total_profit": str(summary.total_profit),
        "is_complete": summary.is_complete,
        "allocation": [
            {"name": part.name, "value": str(part.value), "weight": str(part.weight)}
            for part in summary.by_symbol
        ],
        "returns": {
            row.period: None if row.time_weighted is None else str(row.time_weighted)
            for row in performance.periods
        },
    }


def report_latest(user: User, portfolio_id: UUID) -> dict[str, Any] | None:
    """Return the portfolio's last report; None without one, or while the document store is down.

    Raises NotFound for anybody else's portfolio.
    """
    portfolio = portfolio_get(user, portfolio_id)
    try:
        found: dict[str, Any] | None = breaker("documents").call(
            collection("reports").find_one, {"portfolio_id": str(portfolio.id)}, {"_id": 0}
        )
    except (PyMongoError, CircuitBreakerError) as error:
        logger.warning("report_not_read", error=type(error).__name__)
        return None
    return found
