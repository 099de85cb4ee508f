"""How a portfolio stands to its target now, at the firm's costs; reads only."""

from decimal import Decimal

from apps.core.domain.money import MINOR_UNITS
from apps.core.errors import Refused
from apps.ledger.domain.legs import AccountKind
from apps.ledger.selectors import balances_of
from apps.market.selectors import instrument_list, quotes_get
from apps.trading.domain.rebalancing import Holding, Proposal, Target, Terms, propose
from apps.trading.models import Portfolio
from apps.trading.services import policies


def drift_read(portfolio: Portfolio, target: Target) -> Proposal:
    """Return how each part stands to the target, with the orders that would mend it.

    Looks at what the portfolio has in its own currency; nothing is written.  Raises Refused
    `quote_missing` where something has no price, `portfolio_empty`, and InvalidInput.
    """
    money = {AccountKind.CASH: Decimal(0), AccountKind.HELD: Decimal(0)}
    units: dict[str, dict[AccountKind, Decimal]] = {symbol: {} for symbol in target.weights}
    for row in balances_of(portfolio.id):
        if row.asset == portfolio.currency and row.kind in money:
            money[row.kind] = row.balance
        elif row.asset not in MINOR_UNITS and row.balance:
            units.setdefault(row.asset, {})[row.kind] = row.balance
    quotes = quotes_get(units)
    listed = instrument_list(only_tradable=False).filter(symbol__in=units)
    instruments = {row.symbol: row for row in listed}
    holdings = []
    for symbol, parts in units.items():
        instrument, quote = instruments.get(symbol), quotes.get(symbol)
        if instrument is not None and instrument.currency != portfolio.currency:
            continue
        if instrument is None or quote is None:
            raise Refused(f"There is no price of {symbol} now.", code="quote_missing")
        free = parts.get(AccountKind.SECURITIES, Decimal(0))
        holdings.append(
            Holding(
                symbol=symbol,
                units=free + parts.get(AccountKind.HELD, Decimal(0)),
                free=free,
                bid=quote.bid,
                ask=quote.ask,
                last=quote.last,
                lot_size=instrument.lot_size,
            )
        )
    terms = Terms(
        currency=portfolio.currency,
        commission=policies.commission(),
        hold_buffer=policies.limits().hold_buffer,
    )
    return propose(
        holdings,
        target,
        cash=money[AccountKind.CASH],
        held_cash=money[AccountKind.HELD],
        terms=terms,
    )
