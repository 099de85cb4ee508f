"""One position with its lots, its sales, and what issuers did to it; the year's tax report."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from apps.core.errors import NotFound
from apps.portal.selectors.portfolios import PortfolioChoice
from apps.trading.selectors.corporate_actions import action_list
from apps.trading.selectors.gains import LotView, gain_list, lot_views
from apps.trading.selectors.positions import PositionView, position_list
from apps.trading.selectors.tax_reports import losses_put_off
from apps.users.models import User

RECENT_SALES = 50


@dataclass(frozen=True, slots=True)
class Sale:
    """A lot that a sale took; `put_off` is the loss that a wash sale disallows, 0 for none."""

    part: Any
    put_off: Decimal


@dataclass(frozen=True, slots=True)
class PositionPage:
    """`view` is None when nothing of it is held any more."""

    symbol: str
    view: PositionView | None
    lots: list[LotView]
    sales: list[Sale]
    actions: list[Any]


def position_read(user: User, portfolio: PortfolioChoice, symbol: str) -> PositionPage:
    """Return what the portfolio holds and sold of the symbol; raises NotFound for neither."""
    view = next((row for row in position_list(portfolio.id) if row.symbol == symbol), None)
    parts = list(gain_list(portfolio.id, symbol=symbol)[:RECENT_SALES])
    if view is None and not parts:
        raise NotFound("The portfolio never held that.")
    losses = losses_put_off(user.pk) if parts else {}
    return PositionPage(
        symbol=symbol,
        view=view,
        lots=lot_views(portfolio.id, symbol, rate=view.fx.rate if view and view.fx else None),
        sales=[Sale(part, losses.get(str(part.id), Decimal(0))) for part in parts],
        actions=list(action_list(user).filter(symbol=symbol)),
    )
