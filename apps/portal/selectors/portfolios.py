"""Read models of the clients' pages, put together from what the contexts answer."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.utils import timezone

from apps.core.domain.money import Money
from apps.core.errors import Conflict
from apps.trading.selectors.portfolios import portfolio_list
from apps.trading.selectors.worth import Worth, rates_known, worths_of
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
    """A portfolio with its worth, and what part of its total it is."""

    choice: PortfolioChoice
    worth: Worth
    share: Decimal | None


@dataclass(frozen=True, slots=True)
class Total:
    """What all portfolios of a mode are worth, in the currency of the first of them.

    `is_complete` is False where something has no price or no rate.
    """

    mode: str
    currency: str
    value: Decimal
    is_complete: bool


@dataclass(frozen=True, slots=True)
class Holdings:
    """All portfolios of a client; paper is never added to live."""

    rows: list[PortfolioRow]
    closed: list[PortfolioChoice]
    totals: list[Total]


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
    holdings = Holdings([], [choice for choice in choices if choice.is_closed], [])
    for mode in dict.fromkeys(choice.mode for choice in open_ones):
        _add_up([choice for choice in open_ones if choice.mode == mode], worths, holdings)
    return holdings


def _add_up(choices: list[PortfolioChoice], worths: dict[UUID, Worth], holdings: Holdings) -> None:
    currency = choices[0].currency
    today = timezone.now().date()
    rates = rates_known((choice.currency for choice in choices), currency, on=today)
    values = {
        choice.id: worths[choice.id].value * rates[choice.currency]
        for choice in choices
        if choice.currency in rates
    }
    total = Money(sum(values.values(), Decimal(0)), currency).rounded().amount
    is_complete = len(values) == len(choices) and all(
        worths[choice.id].is_complete for choice in choices
    )
    holdings.totals.append(Total(choices[0].mode, currency, total, is_complete))
    for choice in choices:
        share = values[choice.id] / total if total and choice.id in values else None
        holdings.rows.append(PortfolioRow(choice, worths[choice.id], share))
