"""What a corporate action does to a portfolio's open orders; under the portfolio's lock."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from apps.audit.services import emit
from apps.market.selectors import instrument_get
from apps.trading.domain.corporate_actions import (
    ActionTerms,
    order_price_after,
    order_units_after,
    price_after,
)
from apps.trading.domain.orders import OrderStatus, Side
from apps.trading.models import Order, Portfolio
from apps.trading.services.closing import close_locked
from apps.trading.services.holds import hold_free, hold_move, hold_needed
from apps.trading.services.locks import order_locked

REASON = "corporate_action"
PRICES = ("limit_price", "stop_price")
MARKS = ("trail_amount", "mark_price")


def orders_clear(
    portfolio: Portfolio,
    symbol: str,
    *,
    before: datetime | None = None,
    split: ActionTerms | None = None,
) -> None:
    """Cancel the open orders in the symbol that were placed `before`; call before units move.

    Of those that a `split` lets go on only the ones whose change or cancel the venue has not
    answered, those of a live venue, and those of which less than one lot would be left.
    """
    for order in _open(portfolio, symbol, before):
        if order.is_closed or (split is not None and _goes_on(order, split)):
            continue
        if order.mode == Portfolio.Mode.LIVE and not order.is_waiting:
            if order.status != OrderStatus.PENDING_CANCEL:
                event = order.request_cancel()
                order.save()
                emit(event, actor=None)
        else:
            close_locked(order, actor=None, how="cancel", reason=REASON)


def orders_rescale(
    portfolio: Portfolio,
    terms: ActionTerms,
    *,
    before: datetime | None,
    key: str,
    lots: Mapping[UUID, UUID],
) -> None:
    """Let the open orders in the symbol that were placed `before` go on in the new units; call
    after units moved.

    What filled stays as it filled.  What is left is multiplied by the split's ratio and cut to
    whole lots; prices are divided by it and rounded to whole ticks, a purchase's down, a sale's
    up.  A purchase that would have to hold more cash than there is, is cancelled.  A sale that
    names lots goes on with those that took their place (`lots`, old to new).
    """
    for order in _open(portfolio, terms.symbol, before):
        if not order.is_closed and _goes_on(order, terms):
            order.lot_ids = [lots.get(lot_id, lot_id) for lot_id in order.lot_ids]
            _rescale(order, terms, key)


def _open(portfolio: Portfolio, symbol: str, before: datetime | None) -> Iterator[Order]:
    """Lock the open orders by id and yield them, each as the one before has left it."""
    found = Order.objects.open().placed(symbol, before).filter(portfolio=portfolio)
    found.lock()
    for order_id in list(found.order_by("created_at", "id").values_list("id", flat=True)):
        yield order_locked(order_id)


def _goes_on(order: Order, terms: ActionTerms) -> bool:
    if order.mode == Portfolio.Mode.LIVE:
        return False
    if not (order.is_working or order.is_waiting):
        return False
    lot_size = instrument_get(order.symbol).lot_size
    return order_units_after(order.remaining, terms.ratio, lot_size=lot_size) > 0


def _rescale(order: Order, terms: ActionTerms, key: str) -> None:
    instrument, ratio, side = instrument_get(order.symbol), terms.ratio, Side(order.side)
    tick = instrument.tick_size
    quantity = order.filled_quantity + order_units_after(
        order.remaining, ratio, lot_size=instrument.lot_size
    )
    new: dict[str, Decimal | None] = {"quantity": quantity}
    for name in PRICES:
        price = getattr(order, name)
        if price is not None and order.mark_price is None:
            new[name] = order_price_after(price, ratio, side=side, tick=tick)
    for name in (*MARKS, *(["stop_price"] if order.mark_price is not None else [])):
        value = getattr(order, name)
        if value is not None:
            new[name] = price_after(value, ratio)
    worst = Decimal(0)
    if order.worst_price:
        worst = new.get("limit_price") or price_after(order.worst_price, ratio)
    held = order.held_amount
    if held:
        held = hold_needed(order, quantity=quantity, worst_price=worst)
        if held - order.held_amount > hold_free(order):
            close_locked(order, actor=None, how="cancel", reason=REASON)
            return
        hold_move(order, held - order.held_amount, actor=None, key=f"{key}-{order.id}")
    event = order.replace(replacement_id=None, terms=new, worst_price=worst, held=held)
    order.save()
    emit(event, actor=None)
