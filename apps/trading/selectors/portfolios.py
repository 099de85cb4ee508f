"""Queries of portfolios."""

from uuid import UUID

from apps.core.errors import NotFound
from apps.trading.models import Portfolio
from apps.trading.repositories import PortfolioQuerySet
from apps.users.models import User


def portfolio_get(user: User, portfolio_id: UUID, *, client_id: UUID | None = None) -> Portfolio:
    """Return a portfolio that the user may read, of that client if one is named.

    Raises NotFound for any other.
    """
    portfolios = Portfolio.objects.visible_to(user)
    if client_id is not None:
        portfolios = portfolios.filter(client_id=client_id)
    portfolio = portfolios.filter(id=portfolio_id).first()
    if portfolio is None:
        raise NotFound("There is no such portfolio.")
    return portfolio


def portfolio_list(user: User) -> PortfolioQuerySet:
    """Return the user's portfolios, oldest first."""
    return Portfolio.objects.visible_to(user).order_by("created_at", "id")


def portfolio_of(portfolio_id: UUID) -> Portfolio:
    """Return any portfolio, for the firm's own work; raise NotFound where there is none."""
    portfolio = Portfolio.objects.filter(id=portfolio_id).first()
    if portfolio is None:
        raise NotFound("There is no such portfolio.")
    return portfolio


def portfolio_all() -> PortfolioQuerySet:
    """Return every open portfolio of every client, for the firm's own work."""
    return Portfolio.objects.open().order_by("id")


def portfolio_ids_of(client_id: UUID) -> list[UUID]:
    """Return the ids of everything that the client ever opened, closed ones too."""
    rows = Portfolio.objects.filter(client_id=client_id).order_by("id")
    return list(rows.values_list("id", flat=True))
