"""Queries of what moved between portfolios."""

from uuid import UUID

from django.db.models import QuerySet

from apps.trading.models import PortfolioTransfer
from apps.trading.selectors.portfolios import portfolio_get
from apps.users.models import User


def portfolio_transfer_list(user: User, portfolio_id: UUID) -> QuerySet[PortfolioTransfer]:
    """Return what left or entered the portfolio, newest first; raises NotFound for others'."""
    portfolio = portfolio_get(user, portfolio_id)
    return PortfolioTransfer.objects.of(portfolio.id)
