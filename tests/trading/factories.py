"""Portfolios, orders and positions in a valid resting state."""

from decimal import Decimal
from itertools import count
from typing import Any
from uuid import uuid4

from apps.ledger.domain.legs import AccountKind, Leg, is_currency
from apps.ledger.services import entry_post
from apps.trading.domain.limits import LimitKind, LimitScope
from apps.trading.models import Order, Portfolio, TradingLimit
from apps.trading.services.limits import limit_confirm, limit_propose
from apps.trading.services.orders import order_place
from apps.trading.services.portfolios import portfolio_open
from apps.trading.services.routing import order_route
from apps.users.domain.roles import Role
from apps.users.models import User
from tests.market.factories import make_instrument, put_quote
from tests.users.factories import make_user

_numbers = count(1)


def make_portfolio(client: User | None = None, cash: str = "0") -> Portfolio:
    """Open a USD paper portfolio with that much settled cash."""
    number = next(_numbers)
    client = client or make_user()
    portfolio = portfolio_open(actor=client, client=client, name=f"Portfolio {number}")
    if Decimal(cash):
        fund(portfolio, cash)
    return portfolio


def make_live_portfolio(client: User | None = None) -> Portfolio:
    """Make a live portfolio as it is where a live venue was configured."""
    portfolio = Portfolio(client=client or make_user(), name="Live", currency="USD", mode="LIVE")
    portfolio.save(force_insert=True)
    return portfolio


def fund(portfolio: Portfolio, amount: str, asset: str = "USD") -> None:
    """Put units of an asset into the portfolio, past the bank and the venue."""
    is_cash = is_currency(asset)
    theirs = AccountKind.CASH if is_cash else AccountKind.SECURITIES
    firms = AccountKind.CLIENT_MONEY if is_cash else AccountKind.CLEARING
    entry_post(
        actor=None,
        idempotency_key=f"test-fund-{uuid4()}",
        kind="OPENING",
        legs=[
            Leg(portfolio.id, theirs, asset, Decimal(amount)),
            Leg(None, firms, asset, -Decimal(amount)),
        ],
    )


def make_market(symbol: str = "AAPL", price: str = "100", volume: str = "1000000") -> None:
    """Make an instrument with whole lots that trades at exactly that price."""
    make_instrument(symbol, lot_size=Decimal(1))
    put_quote(symbol, price, price, last=price, volume=volume)


def place_order(portfolio: Portfolio, **terms: Any) -> Order:
    """Place an order of the portfolio's client: a market purchase of one AAPL, unless told."""
    defaults: dict[str, Any] = {"symbol": "AAPL", "side": "BUY", "order_type": "MARKET"}
    if "notional" not in terms:
        defaults["quantity"] = Decimal(1)
    client_order_id = terms.pop("client_order_id", None) or uuid4().hex
    decimals = {
        name: Decimal(terms[name])
        for name in ("quantity", "notional", "limit_price", "stop_price")
        if terms.get(name) is not None
    }
    return order_place(
        actor=portfolio.client,
        portfolio_id=portfolio.id,
        client_order_id=client_order_id,
        **{**defaults, **terms, **decimals},
    )


def hold_units(
    portfolio: Portfolio, quantity: str, price: str = "100", symbol: str = "AAPL"
) -> Order:
    """Buy units for the portfolio at that price with money made for it, fees included."""
    make_market(symbol, price)
    fund(portfolio, str(Decimal(quantity) * Decimal(price) * Decimal("1.1")))
    order = place_order(portfolio, symbol=symbol, quantity=quantity)
    return order_route(order_id=order.id)


def set_limit(
    kind: str,
    value: str | None,
    *,
    client: User | None = None,
    portfolio: Portfolio | None = None,
    **terms: Any,
) -> TradingLimit:
    """Put a limit in force: the firm's, or that of a client or a portfolio; None lifts it."""
    scope = LimitScope.CLIENT if client else LimitScope.FIRM
    limit = limit_propose(
        actor=make_user(Role.OPERATIONS),
        scope=LimitScope.PORTFOLIO if portfolio else scope,
        kind=LimitKind(kind),
        value=None if value is None else Decimal(value),
        client_id=client.pk if client else None,
        portfolio_id=portfolio.id if portfolio else None,
        reason="Test",
        **terms,
    )
    return limit_confirm(actor=make_user(Role.OPERATIONS), limit_id=limit.id)
