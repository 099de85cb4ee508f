"""Orders that belong together: an entry's fills feed its exits, exits take from each other."""

from decimal import Decimal
from uuid import UUID

from django.utils import timezone

from apps.audit.services import emit
from apps.market.selectors import instrument_get, session_end
from apps.trading.domain.orders import OrderStatus, TimeInForce
from apps.trading.models import Order
from apps.trading.services.closing import close_locked
from apps.trading.services.holds import hold_move


def take_hold(order: Order) -> None:
    """Give an exit that is about to fill what another exit of its group holds for both."""
    if order.held_amount:
        return
    for other in order.linked:
        if other.side == order.side and other.held_amount:
            units, moment = other.held_amount, order.filled_quantity
            hold_move(other, -units, actor=None, key=f"pass-{other.id}-{order.id}-{moment:f}")
            hold_move(order, units, actor=None, key=f"take-{order.id}-{other.id}-{moment:f}")
            other.held_amount, order.held_amount = Decimal(0), units
            other.save()


def after_fill(order: Order, quantity: Decimal, execution_id: UUID) -> None:
    """Tell the order's group that it filled: in the fill's own transaction, under its locks."""
    exits = [other for other in order.linked if other.parent_id == order.id]
    if exits:
        _feed(order, [exit_ for exit_ in exits if not exit_.is_closed], quantity, execution_id)
        return
    for other in order.linked:
        if other.is_closed:
            continue
        if other.id == order.parent_id:
            # The position is being left: no more of it is bought.
            close_locked(other, actor=None, how="cancel", reason="exit_filled")
        elif other.remaining <= quantity or other.status == OrderStatus.PENDING_CANCEL:
            close_locked(other, actor=None, how="cancel", reason="other_exit_filled")
        else:
            _resize(other, other.quantity - quantity, held=other.held_amount)


def _feed(entry: Order, exits: list[Order], quantity: Decimal, execution_id: UUID) -> None:
    """Let the exits sell what was just bought; the one that holds already holds it for all."""
    exits.sort(key=lambda exit_: (-exit_.held_amount, exit_.stop_price is not None))
    for number, exit_ in enumerate(exits):
        held = quantity if number == 0 else Decimal(0)
        hold_move(exit_, held, actor=None, key=f"hold-{exit_.id}-{execution_id}")
        if not exit_.is_waiting:
            _resize(exit_, exit_.quantity + quantity, held=exit_.held_amount + held)
            continue
        exit_.quantity = entry.filled_quantity
        if exit_.time_in_force == TimeInForce.DAY:
            exit_.expires_at = session_end(instrument_get(exit_.symbol), timezone.now())
        event = exit_.accept(held=held)
        exit_.save()
        emit(event, actor=None)


def _resize(order: Order, quantity: Decimal, *, held: Decimal) -> None:
    event = order.replace(
        replacement_id=None,
        terms={"quantity": quantity},
        worst_price=order.worst_price,
        held=held,
    )
    order.save()
    emit(event, actor=None)
