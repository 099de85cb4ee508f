"""Commands of analytics: record what portfolios are worth, write their reports."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import structlog
from django.conf import settings
from django.utils import timezone
from pybreaker import CircuitBreakerError
from pymongo.errors import PyMongoError

from apps.analytics import selectors
from apps.analytics.models import PortfolioValuation
from apps.core.domain.money import Money
from apps.core.queries import snapshot
from apps.infrastructure.documents import collection
from apps.infrastructure.resilience import breaker
from apps.ledger.domain.legs import AccountKind, is_currency
from apps.ledger.selectors import balances_by_owner
from apps.market.domain.fx import FxRate
from apps.market.selectors import fx_rates, instrument_list, quotes_get
from apps.trading.selectors.cash import transfer_totals
from apps.trading.selectors.portfolios import portfolio_all, portfolio_of

logger = structlog.get_logger(__name__)
BATCH_SIZE = 1000


@dataclass(slots=True)
class _Holdings:
    """Units by symbol, and money by currency."""

    cash: defaultdict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    held: defaultdict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    units: defaultdict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))

    def money(self) -> set[str]:
        return {*self.cash, *self.held}


def valuations_record(*, at: datetime | None = None) -> int:
    """Write one valuation of every portfolio at that instant (now) and return how many.

    One pass over sets, whatever the number of portfolios: cash + held + units times the last
    quote, at that day's reference rates.  What has no quote or no rate is left out and marked
    incomplete.
    Running it again for the same instant changes nothing.
    """
    at = at or timezone.now()
    with snapshot():  # a deposit in between would be in one and not in the other
        portfolios = dict(portfolio_all().values_list("id", "currency"))
        holdings = _holdings()
        totals = transfer_totals()
    symbols = {symbol for one in holdings.values() for symbol in one.units}
    quotes = quotes_get([*symbols, settings.BENCHMARK_SYMBOL])
    currencies = dict(instrument_list(only_tradable=False).values_list("symbol", "currency"))
    foreign = {code for one in holdings.values() for code in one.money()}
    foreign |= {currencies[symbol] for symbol in symbols & currencies.keys()}
    rates = {own: fx_rates(foreign, own, on=at.date()) for own in set(portfolios.values())}
    benchmark = quotes.get(settings.BENCHMARK_SYMBOL)
    rows = []
    for portfolio_id, currency in portfolios.items():
        one = holdings.get(portfolio_id, _Holdings())
        known = rates[currency]
        priced = [
            known[currencies[symbol]].rate * quotes[symbol].last * units
            for symbol, units in one.units.items()
            if symbol in quotes and currencies.get(symbol) in known
        ]
        invested = Money(sum(priced, Decimal(0)), currency).rounded().amount
        cash, held = (_in(one.cash, known, currency), _in(one.held, known, currency))
        deposits, withdrawals = totals.get(portfolio_id, (Decimal(0), Decimal(0)))
        rows.append(
            PortfolioValuation(
                portfolio_id=portfolio_id,
                time=at,
                currency=currency,
                cash=cash,
                held=held,
                invested=invested,
                total=cash + held + invested,
                deposits=deposits,
                withdrawals=withdrawals,
                benchmark=benchmark.last if benchmark else None,
                is_complete=one.money() <= known.keys() and len(priced) == len(one.units),
            )
        )
    PortfolioValuation.objects.bulk_create(rows, batch_size=BATCH_SIZE, ignore_conflicts=True)
    return len(rows)


def _in(money: Mapping[str, Decimal], rates: Mapping[str, FxRate], currency: str) -> Decimal:
    """Return the money in one currency, without what has no rate."""
    parts = [rates[code].rate * amount for code, amount in money.items() if code in rates]
    return Money(sum(parts, Decimal(0)), currency).rounded().amount


def _holdings() -> dict[UUID, _Holdings]:
    holdings: defaultdict[UUID, _Holdings] = defaultdict(_Holdings)
    for owner_id, row in balances_by_owner():
        one = holdings[owner_id]
        if not is_currency(row.asset):
            one.units[row.asset] += row.balance
        else:
            (one.held if row.kind == AccountKind.HELD else one.cash)[row.asset] += row.balance
    return dict(holdings)


def report_build(*, portfolio_id: UUID) -> bool:
    """Write the portfolio's report into the document store; return whether it took it.

    The report is a read model: when the store is down it is logged and built again next time.
    Raises NotFound for an unknown portfolio.
    """
    document = selectors.report_compose(portfolio_of(portfolio_id))
    try:
        breaker("documents").call(
            collection("reports").replace_one,
            {"portfolio_id": str(portfolio_id)},
            document,
            upsert=True,
        )
    except (PyMongoError, CircuitBreakerError) as error:
        logger.warning("report_not_written", error=type(error).__name__)
        return False
    return True
