"""Portfolios in a valid resting state."""

from decimal import Decimal
from itertools import count
from uuid import uuid4

from apps.ledger.domain.legs import AccountKind, Leg
from apps.ledger.services import entry_post
from apps.trading.models import Portfolio
from apps.trading.services.portfolios import portfolio_open
from apps.users.models import User
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


def fund(portfolio: Portfolio, amount: str, asset: str = "USD") -> None:
    """Put units of an asset into the portfolio, past the bank and the venue."""
    is_cash = asset == portfolio.currency
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
