"""What the dashboard shows: value, allocation, positions, the way to the first order."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from apps.compliance.domain.kyc import CLEARED
from apps.compliance.selectors.kyc import KycView, kyc_view
from apps.market.domain.fx import FxRate
from apps.market.domain.quotes import Quote
from apps.market.selectors import instrument_list, quotes_get
from apps.portal.domain.figures import Slice, slices
from apps.portal.selectors.activity import EventView, event_views
from apps.portal.selectors.portfolios import PortfolioChoice
from apps.trading.selectors.cash import CashView, cash_list
from apps.trading.selectors.orders import order_list
from apps.trading.selectors.positions import PositionView, position_list
from apps.users.models import User

RECENT = 6
WATCHED = 8
# Shown until the client owns enough to fill the list.
FIRST_WATCHED = ("AAPL", "MSFT", "JNJ", "JPM", "XOM", "KO", "PG", "WMT")


@dataclass(frozen=True, slots=True)
class Watched:
    symbol: str
    name: str
    quote: Quote | None


@dataclass(frozen=True, slots=True)
class Step:
    """One step on the way to the first order."""

    title: str
    text: str
    url_name: str
    button: str
    is_done: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Valuation:
    """A portfolio in its currency at the reference rates.

    A holding without a quote counts at its cost, and what has no rate counts nothing.
    """

    moneys: list[CashView]
    positions: list[PositionView]

    @property
    def own(self) -> CashView:
        """The cash in the portfolio's currency."""
        return self.moneys[0]

    @property
    def cash(self) -> Decimal:
        """All cash, free and held, in the portfolio's currency."""
        return sum((money.worth or Decimal(0) for money in self.moneys), Decimal(0))

    @property
    def rates(self) -> list[FxRate | None]:
        return [*(money.fx for money in self.moneys), *(one.fx for one in self.positions)]

    @property
    def is_complete(self) -> bool:
        return None not in self.rates

    @property
    def rates_on(self) -> date | None:
        """The day of the oldest exchange rate in it, None where all is in its currency."""
        return min((rate.on for rate in self.rates if rate and rate.source), default=None)

    @property
    def securities(self) -> Decimal:
        return sum((_worth(position) for position in self.positions), Decimal(0))

    @property
    def value(self) -> Decimal:
        return self.cash + self.securities

    @property
    def cost(self) -> Decimal:
        return sum((_in_own(position, position.cost) for position in self.positions), Decimal(0))

    @property
    def unrealised_profit(self) -> Decimal:
        return self.securities - self.cost

    @property
    def unrealised_return(self) -> Decimal | None:
        return self.unrealised_profit / self.cost if self.cost else None

    @property
    def allocation(self) -> list[Slice]:
        parts = {position.symbol: _worth(position) for position in self.positions}
        return slices({**parts, "Cash": self.cash})


def _worth(position: PositionView) -> Decimal:
    value = position.cost if position.market_value is None else position.market_value
    return _in_own(position, value)


def _in_own(position: PositionView, amount: Decimal) -> Decimal:
    return position.in_portfolio(amount) or Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dashboard:
    valuation: Valuation | None
    watchlist: list[Watched]
    events: list[EventView]
    steps: list[Step]

    @property
    def next_step(self) -> Step | None:
        """Return the first step that is not done."""
        return next((step for step in self.steps if not step.is_done), None)


def dashboard_read(user: User, portfolio: PortfolioChoice | None) -> Dashboard:
    """Return the dashboard of the user's portfolio, or of a user who has none yet."""
    valuation = valuation_read(portfolio) if portfolio else None
    held = [position.symbol for position in valuation.positions] if valuation else []
    return Dashboard(
        valuation=valuation,
        watchlist=_watchlist(held),
        events=event_views(user.pk, limit=RECENT),
        steps=_steps(kyc_view(user), portfolio, valuation, has_ordered=_has_ordered(user)),
    )


def valuation_read(portfolio: PortfolioChoice) -> Valuation:
    """Return what the portfolio is worth at the last quotes."""
    return Valuation(
        moneys=cash_list(portfolio.id, portfolio.currency), positions=position_list(portfolio.id)
    )


def _has_ordered(user: User) -> bool:
    return order_list(user).exists()


def _watchlist(held: list[str]) -> list[Watched]:
    wanted = [*held, *(symbol for symbol in FIRST_WATCHED if symbol not in held)][:WATCHED]
    names = dict(instrument_list().filter(symbol__in=wanted).values_list("symbol", "name"))
    quotes = quotes_get(names)
    return [
        Watched(symbol, names[symbol], quotes.get(symbol)) for symbol in wanted if symbol in names
    ]


def _steps(
    kyc: KycView,
    portfolio: PortfolioChoice | None,
    valuation: Valuation | None,
    *,
    has_ordered: bool,
) -> list[Step]:
    cleared = kyc.status in CLEARED
    funded = valuation is not None and valuation.value > 0
    waiting = not cleared and not kyc.is_editable
    return [
        Step(
            "Verify who you are",
            kyc.status_text if kyc.submitted_at else "Some questions and one document, kept safe.",
            "portal:verification",
            "See the status" if waiting else "Continue",
            cleared,
        ),
        Step(
            "Open a portfolio",
            "It holds your cash, your orders and what you own.",
            "portal:settings",
            "Open",
            portfolio is not None,
        ),
        Step(
            "Deposit",
            "Bring in money from the simulated bank.",
            "portal:deposit",
            "Deposit",
            funded,
        ),
        Step(
            "Place your first order",
            "Pick an instrument; you see the cost and every check before you confirm.",
            "portal:trade",
            "Trade",
            has_ordered,
        ),
    ]
