"""Read models of the clients' pages, put together from what the contexts answer."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from apps.core.errors import Conflict
from apps.trading.selectors.portfolios import portfolio_list
from apps.users.models import User

PORTFOLIO_KEY = "portal.portfolio"


class NoPortfolio(Conflict):
    """The page needs a portfolio and the client has none yet."""

    code = "no_portfolio"


@dataclass(frozen=True, slots=True)
class PortfolioChoice:
    """One of the client's portfolios, as the pages name it."""

    id: UUID
    name: str
    currency: str
    mode: str


def portfolio_choices(user: User) -> list[PortfolioChoice]:
    """Return the user's portfolios, oldest first."""
    return [
        PortfolioChoice(row.id, row.name, row.currency, row.mode) for row in portfolio_list(user)
    ]


def portfolio_chosen(choices: list[PortfolioChoice], session: Any) -> PortfolioChoice | None:
    """Return the portfolio that the session chose, else the first, else None."""
    wanted = session.get(PORTFOLIO_KEY)
    found = next((choice for choice in choices if str(choice.id) == wanted), None)
    return found or (choices[0] if choices else None)


def portfolio_needed(user: User, session: Any) -> PortfolioChoice:
    """Return the chosen portfolio; raise NoPortfolio."""
    chosen = portfolio_chosen(portfolio_choices(user), session)
    if chosen is None:
        raise NoPortfolio("Open a portfolio first: the dashboard has a button for it.")
    return chosen
