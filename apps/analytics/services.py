"""Commands of analytics: record what portfolios are worth, write their reports."""

from collections import defaultdict
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
from apps.core.domain.money import MINOR_UNITS, Money
from apps.core.queries import snapshot
from apps.infrastructure.documents import collection
from apps.infrastructure.resilience import breaker
from apps.ledger.domain.legs import AccountKind
from apps.ledger.selectors import balances_by_owner
from apps.market.selectors import instrument_list, quotes_get
from apps.trading.selectors.cash import transfer_totals
from apps.trading.selectors.portfolios import portfolio_all, portfolio_of

logger = structlog.get_logger(__name__)
BATCH_SIZE = 1000


@dataclass(slots=True)
class _Holdings:
    cash: Decimal = Decimal(0)
    held: Decimal = Decimal(0)
    units: defaultdict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    has_other_currency: bool = False


def valuations_record(*, at: datetime | None = None) -> int:
    """Write one valuation of every portfolio at that instant (now) and return how many.

    One pass over sets, whatever the number of portfolios: cash + held + units times the last
    quote.  What has no quote in the portfolio's currency is left out and marked incomplete.
    Running it again for the same instant changes nothing.
    """
    at = at or timezone.now()
    with snapshot():  # a deposit in between would be in one and not in the other
        portfolios = dict(portfolio_all().values_list("id", "currency"))
        holdings = _holdings(portfolios)
        totals = transfer_totals()
    symbols = {symbol for one in holdings.values() for symbol in one.units}
    quotes = quotes_get([*symbols, settings.BENCHMARK_SYMBOL])
    currencies = dict(instrument_list(only_tradable=False).values_list("symbol", "currency"))
    prices = {(symbol, currencies.get(symbol)): quote.last for symbol, quote in quotes.items()}
    benchmark = quotes.get(settings.BENCHMARK_SYMBOL)
    rows = []
    for portfolio_id, currency in portfolios.items():
        one = holdings.get(portfolio_id, _Holdings())
        priced = [(prices.get((symbol, currency)), units) for symbol, units in one.units.items()]
        value = sum((price * units for price, units in priced if price is not None), Decimal(0))
        invested = Money(value, currency).rounded().amount
        deposits, withdrawals = totals.get(portfolio_id, (Decimal(0), Decimal(0)))
        rows.append(
            PortfolioValuation(
                portfolio_id=portfolio_id,
                time=at,
                currency=currency,
                cash=one.cash,
                held=one.held,
                invested=invested,
                total=one.cash + one.held + invested,
                deposits=deposits,
                withdrawals=withdrawals,
                benchmark=benchmark.last if benchmark else None,
                is_complete=not one.has_other_currency
                and all(price is not None for price, _ in priced),
            )
        )
    PortfolioValuation.objects.bulk_create(rows, batch_size=BATCH_SIZE, ignore_conflicts=True)
    return len(rows)


def _holdings(portfolios: dict[UUID, str]) -> dict[UUID, _Holdings]:
    holdings: defaultdict[UUID, _Holdings] = defaultdict(_Holdings)
    for owner_id, row in balances_by_owner():
        one, currency = holdings[owner_id], portfolios.get(owner_id)
        if row.asset == currency:
            if row.kind == AccountKind.HELD:
                one.held += row.balance
            else:
                one.cash += row.balance
        elif row.asset in MINOR_UNITS:
            one.has_other_currency = True
        else:
            one.units[row.asset] += row.balance
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
