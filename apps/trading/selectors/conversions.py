"""Queries of conversions between currencies."""

from uuid import UUID

from apps.trading.models import Conversion
from apps.trading.repositories import ConversionQuerySet
from apps.trading.selectors.portfolios import portfolio_get
from apps.users.models import User


def conversion_list(user: User, portfolio_id: UUID) -> ConversionQuerySet:
    """Return the portfolio's conversions, newest first; raises NotFound for anybody else's."""
    portfolio = portfolio_get(user, portfolio_id)
    return Conversion.objects.filter(portfolio=portfolio).newest_first()
