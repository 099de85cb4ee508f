"""Read models of the clients' pages, put together from what the contexts answer."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from apps.core.errors import Conflict
from apps.trading.selectors.portfolios import portfolio_list
from apps.trading.selectors.worth import Worth, worths_of
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
    lot_method: str = "FIFO"
    is_closed: bool = False


@dataclass(frozen=True, slots=True)
class PortfolioRow:
    """A portfolio with its worth, and what part of all it is."""

    choice: PortfolioChoice
    worth: Worth
    share: Decimal | None


@dataclass(frozen=True, slots=True)
class Holdings:
    """All portfolios of a client; `totals` has one sum for each currency and mode."""

    rows: list[PortfolioRow]
    closed: list[PortfolioChoice]
    totals: list[tuple[str, str, Decimal]]


def portfolio_choices(user: User) -> list[PortfolioChoice]:
    """Return the user's portfolios: the open ones oldest first, then those that are closed."""
    choices = [
        PortfolioChoice(
            row.id, row.name, row.currency, row.mode, row.lot_method, is_closed=row.is_closed
        )
        for row in portfolio_list(user)
    ]
    return sorted(choices, key=lambda choice: choice.is_closed)


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


def holdings_read(user: User) -> Holdings:
    """Return what the user's portfolios are worth, each and together."""
    choices = portfolio_choices(user)
    open_ones = [choice for choice in choices if not choice.is_closed]
    worths = worths_of({choice.id: choice.currency for choice in open_ones})
    totals: dict[tuple[str, str], Decimal] = {}
    for choice in open_ones:
        key = (choice.mode, choice.currency)
        totals[key] = totals.get(key, Decimal(0)) + worths[choice.id].value
    rows = []
    for choice in open_ones:
        worth, total = worths[choice.id], totals[choice.mode, choice.currency]
        rows.append(PortfolioRow(choice, worth, worth.value / total if total else None))
    return Holdings(
        rows=rows,
        closed=[choice for choice in choices if choice.is_closed],
        totals=[(mode, currency, total) for (mode, currency), total in totals.items()],
    )
