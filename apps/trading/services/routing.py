"""Orders on their way to a venue and back: route, match, cancel, expire."""

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.utils import timezone

from apps.audit.services import emit
from apps.core.commands import command
from apps.infrastructure.failures import FailureTold
from apps.market.domain.quotes import Quote
from apps.market.selectors import instrument_get, quote_get, quotes_get, session_is_open
from apps.trading.domain.orders import IMMEDIATE, OrderStatus
from apps.trading.models import Order
from apps.trading.services import policies
from apps.trading.services.closing import close_locked
from apps.trading.services.executions import record_locked
from apps.trading.services.instructions import cancel_instruct
from apps.trading.services.locks import order_locked
from apps.trading.venues import PAPER_VENUE
from apps.trading.venues.base import PaperOrder, VenueStatus

if TYPE_CHECKING:
    from apps.market.models import Instrument


@command
def order_route(*, order_id: UUID) -> Order:
    """Bring an accepted order to the paper venue: it fills on the last quote, or rests, or is
    rejected; a live order is at its venue already.

    What an immediate order does not fill now is canceled.  Safe to repeat.  Raises NotFound.
    """
    order = order_locked(order_id)
    if not order.is_working or order.mode == order.portfolio.Mode.LIVE:
        return order
    instrument = instrument_get(order.symbol)
    if not instrument.is_tradable:
        if order.filled_quantity:
            return close_locked(order, actor=None, how="cancel", reason="instrument_not_tradable")
        return close_locked(order, actor=None, how="reject", reason="instrument_not_tradable")
    quote = quote_get(order.symbol)
    if quote is not None:
        _work(order, instrument, quote)
    if order.time_in_force in IMMEDIATE and not order.is_closed:
        close_locked(order, actor=None, how="cancel", reason="not_filled_at_once")
    return order


def quotes_match(*, symbols: Iterable[str]) -> int:
    """Try the newest quotes of the symbols on the orders that they reach; return how many traded.

    Each order is its own transaction; one that fails, for whatever reason, is told to operations
    and leaves the others alone.
    """
    quotes = {symbol: quote for symbol, quote in quotes_get(symbols).items() if _is_fresh(quote)}
    _trail(quotes)
    traded = 0
    for order_id, symbol in Order.objects.that_trade(quotes.values()):
        with FailureTold(
            "ORDER_MATCH_FAILED",
            subject=symbol,
            message=f"Resting orders in {symbol} failed on a quote; they are tried on the next.",
            order_id=str(order_id),
        ):
            traded += order_match(order_id=order_id, quote=quotes[symbol])
    return traded


def _trail(quotes: dict[str, Quote]) -> None:
    """Let the trailing stops follow the quotes of what trades: no halt, an open market."""
    now = timezone.now()
    followed = set(Order.objects.trailing(quotes).values_list("symbol", flat=True).distinct())
    Order.objects.trail(quotes[symbol] for symbol in sorted(followed) if _trades(symbol, now))


def _trades(symbol: str, now: datetime) -> bool:
    instrument = instrument_get(symbol)
    return instrument.is_tradable and session_is_open(instrument, now)


@command
def order_match(*, order_id: UUID, quote: Quote) -> bool:
    """Try one resting order against the quote; return whether units traded."""
    order = order_locked(order_id)
    if not order.is_working:
        return False
    return _work(order, instrument_get(order.symbol), quote)


@command
def cancel_route(*, order_id: UUID, reason: str = "by_client") -> Order:
    """Tell the venue of a cancel request; the paper venue agrees at once.  Safe to repeat."""
    order = order_locked(order_id)
    if order.status != OrderStatus.PENDING_CANCEL:
        return order
    if order.mode == order.portfolio.Mode.LIVE:
        cancel_instruct(order)
    elif PAPER_VENUE.cancel(PaperOrder.of(order)).status is VenueStatus.CANCELED:
        close_locked(order, actor=None, how="cancel", reason=reason)
    return order


def orders_expire() -> int:
    """End every open order whose time in force is over; return how many.

    One that fails is told to operations, and tried again by the next call.
    """
    expired = 0
    due = Order.objects.due(timezone.now()).values_list("id", "symbol")
    for order_id, symbol in due.iterator():
        with FailureTold(
            "ORDER_EXPIRY_FAILED",
            subject=symbol,
            message=f"Orders in {symbol} are open past their time; they are tried again.",
            order_id=str(order_id),
        ):
            expired += order_expire(order_id=order_id)
    return expired


@command
def order_expire(*, order_id: UUID) -> bool:
    """Expire one order; False when it closed meanwhile."""
    order = order_locked(order_id)
    if order.is_closed:
        return False
    close_locked(order, actor=None, how="expire", reason="time_in_force")
    return True


def _is_fresh(quote: Quote) -> bool:
    return timezone.now() - quote.at <= policies.limits().quote_age


def _work(order: Order, instrument: "Instrument", quote: Quote) -> bool:
    now = timezone.now()
    if order.is_due(now):
        return False
    if not (instrument.is_tradable and _is_fresh(quote) and session_is_open(instrument, now)):
        return False
    model = policies.paper_fills(instrument.lot_size)
    report = PAPER_VENUE.work(PaperOrder.of(order), quote, model)
    if report.is_triggered and order.stop_price is not None and order.triggered_at is None:
        event = order.trigger(last=quote.last, at=now)
        order.save()
        emit(event, actor=None)
    if report.fill is None:
        return False
    before = order.filled_quantity
    record_locked(
        order,
        venue=PAPER_VENUE.name,
        venue_execution_id=report.execution_id,
        quantity=report.fill.quantity,
        price=report.fill.price,
        executed_at=now,
    )
    return bool(order.filled_quantity > before)
