"""Queries of orders and trades."""

from typing import Any
from uuid import UUID

from apps.core.errors import NotFound
from apps.trading.models import Execution, Order, Replacement
from apps.trading.repositories import ExecutionQuerySet, OrderQuerySet
from apps.users.models import User


def order_list(user: User, *, only_open: bool = False) -> OrderQuerySet:
    """Return the user's orders, newest first."""
    orders = Order.objects.visible_to(user).newest_first()
    return orders.open() if only_open else orders


def order_get(user: User, order_id: UUID) -> Order:
    """Return the user's order; raises NotFound for anybody else's."""
    order = Order.objects.visible_to(user).filter(id=order_id).first()
    if order is None:
        raise NotFound("There is no such order.")
    return order


def replacement_list(user: User, order_id: UUID) -> list[Replacement]:
    """Return what was asked of the user's order, oldest first; raises NotFound for others'."""
    order = order_get(user, order_id)
    return list(Replacement.objects.filter(order=order).order_by("created_at", "id"))


def trade_list(user: User) -> ExecutionQuerySet:
    """Return the user's executions, newest first."""
    return Execution.objects.visible_to(user).newest_first()


def order_snapshot(order_id: UUID) -> dict[str, Any]:
    """Return the order's public state as JSON primitives, amounts as strings."""
    order = Order.objects.get(id=order_id)
    return {
        "order_id": str(order.id),
        "portfolio_id": str(order.portfolio_id),
        "mode": order.mode,
        "client_order_id": order.client_order_id,
        "symbol": order.symbol,
        "side": order.side,
        "status": order.status,
        "quantity": f"{order.quantity.normalize():f}",
        "leaves_quantity": f"{order.leaves_quantity.normalize():f}",
        "filled_quantity": f"{order.filled_quantity.normalize():f}",
        "average_price": f"{order.average_price.normalize():f}" if order.average_price else None,
        "reason_code": order.reason_code,
    }
