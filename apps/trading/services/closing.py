"""How an order ends, and what that means for the orders that belong to it."""

from django.utils import timezone

from apps.audit.services import Actor, emit
from apps.infrastructure.prepared import load_rows
from apps.trading.domain.orders import OrderStatus
from apps.trading.models import Order, Replacement
from apps.trading.services.holds import hold_move


def close_locked(order: Order, *, actor: Actor | None, how: str, reason: str) -> Order:
    """End the order (`how` is cancel, reject or expire) and free what it still holds.

    For an order that `order_locked` loaded in this transaction.  Its exits that still wait end
    with it; another exit of its group takes over what it held.  Raises IllegalTransition.
    """
    held, now, is_asked = order.held_amount, timezone.now(), not order.is_working
    moves = {"cancel": order.cancel, "reject": order.reject, "expire": order.expire}
    event = moves[how](reason=reason, at=now)
    hold_move(order, -held, actor=actor, key=f"release-{order.id}")
    order.save()
    emit(event, actor=actor)
    if is_asked:
        replacement_drop(order)
    for other in order.linked:
        if other.is_waiting and other.parent_id == order.id and not other.is_closed:
            close_locked(other, actor=actor, how="cancel", reason="entry_closed")
    heir = next((other for other in order.linked if _shares(order, other)), None)
    if held and heir is not None:
        hold_move(heir, held, actor=actor, key=f"hold-{heir.id}-from-{order.id}")
        heir.held_amount += held
        heir.save()
    return order


def _shares(order: Order, other: Order) -> bool:
    return other.side == order.side and not (other.is_closed or other.is_waiting)


def replacement_drop(order: Order) -> None:
    """Answer what a closed order was still to be replaced by: it came too late.

    One that was working when it ended waited for no answer.
    """
    waiting = "WHERE order_id = %s AND status = %s"
    for pending in load_rows(Replacement, waiting, [order.id, OrderStatus.PENDING_REPLACE.value]):
        pending.answer(OrderStatus.REJECTED, reason="order_closed")
        pending.save()
