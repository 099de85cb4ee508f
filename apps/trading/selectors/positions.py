"""What a portfolio owns: units from the ledger, cost from the lots, value from the last quotes."""

from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from uuid import UUID

from django.db.models import Sum
from django.utils import timezone

from apps.core.domain.money import Money
from apps.ledger.domain.legs import AccountKind, is_currency
from apps.ledger.selectors import balances_of
from apps.market.domain.fx import FxRate
from apps.market.selectors import currencies_of, fx_rates, quotes_get
from apps.trading.models import Lot, Portfolio
from apps.trading.repositories import LotQuerySet

PRICE_STEP = Decimal("0.00000001")


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionView:
    """One holding, in its instrument's currency; figures that need a quote are None without one.

    `fx` is the rate to the portfolio's currency (None: there is no recent one), and `worth` the
    market value in it.  `available` is what no open sale holds.  `average_cost` is per unit and,
    like `cost`, includes the fees of the purchases; `unrealised_profit` is the value at the last
    price less the cost.  In the portfolio's currency `portfolio_cost` is the cost at the rates of
    the purchases, and `portfolio_profit`, `worth` less that, has two parts: `price_effect` and
    `fx_effect` (see `gain_of`).
    """

    symbol: str
    currency: str
    quantity: Decimal
    available: Decimal
    cost: Decimal
    average_cost: Decimal
    last_price: Decimal | None
    last_price_at: datetime | None
    market_value: Decimal | None
    unrealised_profit: Decimal | None
    portfolio_currency: str
    fx: FxRate | None
    portfolio_cost: Decimal
    price_effect: Decimal | None

    @property
    def worth(self) -> Decimal | None:
        return None if self.market_value is None else self.in_portfolio(self.market_value)

    def in_portfolio(self, amount: Decimal) -> Decimal | None:
        """Return an amount of the instrument's currency in the portfolio's."""
        return self.fx.convert(amount, self.portfolio_currency).amount if self.fx else None

    @property
    def portfolio_profit(self) -> Decimal | None:
        return None if self.worth is None else self.worth - self.portfolio_cost

    @property
    def fx_effect(self) -> Decimal | None:
        if self.portfolio_profit is None or self.price_effect is None:
            return None
        return self.portfolio_profit - self.price_effect


@dataclass(frozen=True, slots=True)
class _Cost:
    """Open lots of one symbol that were acquired at one rate."""

    rate: Decimal
    quantity: Decimal
    cost: Decimal


def position_list(portfolio_id: UUID) -> list[PositionView]:
    """Return the portfolio's holdings by symbol; the caller has checked whose portfolio it is."""
    portfolio = Portfolio.objects.get(id=portfolio_id)
    free: dict[str, Decimal] = {}
    owned: dict[str, Decimal] = {}
    for row in balances_of(portfolio_id):
        if is_currency(row.asset):
            continue
        if row.kind is AccountKind.SECURITIES:
            free[row.asset] = row.balance
        if row.kind in {AccountKind.SECURITIES, AccountKind.HELD}:
            owned[row.asset] = owned.get(row.asset, Decimal(0)) + row.balance
    symbols = sorted(symbol for symbol, units in owned.items() if units)
    costs = _costs(portfolio_id)
    quotes = quotes_get(symbols)
    currencies = currencies_of(symbols)
    rates = fx_rates(set(currencies.values()), portfolio.currency, on=timezone.now().date())
    positions = []
    for symbol in symbols:
        quote = quotes.get(symbol)
        currency = currencies.get(symbol, portfolio.currency)
        parts = costs.get(symbol, [])
        cost = _money(sum((part.cost for part in parts), Decimal(0)), currency)
        paid = sum((part.cost * part.rate for part in parts), Decimal(0))
        value = effect = None
        if quote is not None:
            gained = _price_effect(owned[symbol], quote.last, parts, rates.get(currency))
            effect = _money(gained, portfolio.currency)
            value = Money(owned[symbol] * quote.last, currency).rounded().amount
        positions.append(
            PositionView(
                symbol=symbol,
                currency=currency,
                quantity=owned[symbol],
                available=free.get(symbol, Decimal(0)),
                cost=cost,
                average_cost=(cost / owned[symbol]).quantize(PRICE_STEP, ROUND_HALF_EVEN),
                last_price=quote.last if quote else None,
                last_price_at=quote.at if quote else None,
                market_value=value,
                unrealised_profit=None if value is None else value - cost,
                portfolio_currency=portfolio.currency,
                fx=rates.get(currency),
                portfolio_cost=_money(paid, portfolio.currency),
                price_effect=effect,
            )
        )
    return positions


def _costs(portfolio_id: UUID) -> dict[str, list[_Cost]]:
    rows = (
        Lot.objects.open()
        .filter(portfolio_id=portfolio_id)
        .values_list("symbol", "fx_rate")
        .annotate(Sum("remaining_quantity"), Sum("remaining_cost"))
    )
    costs: dict[str, list[_Cost]] = {}
    for symbol, *rest in rows:
        costs.setdefault(symbol, []).append(_Cost(*rest))
    return costs


def _money(amount: Decimal, currency: str) -> Decimal:
    return Money(amount, currency).rounded().amount


def _price_effect(
    units: Decimal, price: Decimal, parts: list[_Cost], now: FxRate | None
) -> Decimal:
    """Return what the price made at the rates of the purchases.

    Units that no lot explains cost nothing and came in at today's rate.
    """
    effect, left = Decimal(0), units
    for part in parts:
        effect += (part.quantity * price - part.cost) * part.rate
        left -= part.quantity
    return effect + left * price * (now.rate if now else 1)


def lot_list(
    portfolio_id: UUID, *, only_open: bool = True, only_closed: bool = False, symbol: str = ""
) -> LotQuerySet:
    """Return the portfolio's lots by symbol, oldest first; the caller has checked whose it is."""
    lots = Lot.objects.of(portfolio_id)
    if symbol:
        lots = lots.filter(symbol=symbol)
    if only_closed:
        return lots.filter(remaining_quantity=0)
    return lots.open() if only_open else lots
