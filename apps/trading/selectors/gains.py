"""What sales realised, lot by lot, and what open lots would."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from django.utils import timezone

from apps.market.selectors import quote_get
from apps.trading.domain.gains import Gain, Term, gain_of, market_day, market_midnight, term_of
from apps.trading.models import Entitlement, Lot, LotConsumption
from apps.trading.repositories import LotConsumptionQuerySet


@dataclass(frozen=True, slots=True, kw_only=True)
class LotView:
    """An open lot as it stands: `term` is that of a sale today; no `gain` without a quote."""

    lot: Lot
    held_days: int
    term: Term
    value: Decimal | None
    gain: Gain | None


def gain_list(
    portfolio_id: UUID, *, symbol: str = "", year: int | None = None
) -> LotConsumptionQuerySet:
    """Return the lots that sales and paid corporate actions took, newest first: the evidence.

    Each row has its lot, cost, proceeds and `gain`.  `year` is the exchange's year of the sale.
    The caller has checked whose portfolio it is.
    """
    rows = LotConsumption.objects.of(portfolio_id).disposals(Entitlement.objects.taken_back())
    if symbol:
        rows = rows.filter(lot__symbol=symbol)
    if year is not None:
        first = date(year, 1, 1)
        last = date(year + 1, 1, 1)
        rows = rows.filter(
            consumed_at__gte=market_midnight(first), consumed_at__lt=market_midnight(last)
        )
    return rows.select_related("lot", "execution").order_by("-consumed_at", "-id")


def lot_views(portfolio_id: UUID, symbol: str, *, rate: Decimal | None) -> list[LotView]:
    """Return the symbol's open lots, oldest first, with what they would realise now.

    `rate` is what one unit of their currency is in the portfolio's today; the caller has checked
    whose portfolio it is.
    """
    quote, today = quote_get(symbol), market_day(timezone.now())
    views = []
    for lot in Lot.objects.of(portfolio_id).open().filter(symbol=symbol):
        acquired = market_day(lot.acquired_at)
        value = gain = None
        if quote is not None and rate is not None:
            value = lot.remaining_quantity * quote.last
            gain = gain_of(
                cost=lot.remaining_cost, value=value, rate_then=lot.fx_rate, rate_now=rate
            )
        views.append(
            LotView(
                lot=lot,
                held_days=(today - acquired).days,
                term=term_of(acquired, today),
                value=value,
                gain=gain,
            )
        )
    return views


GAIN_CSV_HEADER = (
    *("sold_at", "symbol", "quantity", "acquired_at", "held_days", "term", "cause", "method"),
    *("currency", "cost", "proceeds", "gain", "fx_rate_acquired", "fx_rate_sold"),
    *("price_effect", "fx_effect", "total_gain", "lot_id", "execution_id"),
)


def gain_cells(row: LotConsumption) -> tuple[object, ...]:
    """Return the row as it stands in the CSV file."""
    lot, gain = row.lot, row.gain
    return (
        *(row.consumed_at.isoformat(), lot.symbol, row.quantity, lot.acquired_at.isoformat()),
        *(row.held_days, row.term.value, row.cause, row.method, lot.currency),
        *(row.cost, row.proceeds, gain.local, lot.fx_rate, row.fx_rate),
        *(gain.price_effect, gain.fx_effect, gain.total, lot.id, row.execution_id),
    )
