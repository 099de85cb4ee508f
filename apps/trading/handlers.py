"""What trading does after commit: orders go to their venue, clients' screens hear of them."""

from typing import Any
from uuid import UUID

from apps.core.events import subscribe
from apps.infrastructure.realtime import push
from apps.trading.events import (
    OrderAccepted,
    OrderCanceled,
    OrderCancelRejected,
    OrderCancelRequested,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    OrderReplaced,
    OrderReplaceRejected,
    OrderReplaceRequested,
    OrderSubmitted,
)
from apps.trading.selectors.orders import order_snapshot
from apps.trading.services.instructions import order_instruct
from apps.trading.services.replacements import replace_route
from apps.trading.services.routing import cancel_route, order_route

OrderEvent = (
    OrderSubmitted
    | OrderAccepted
    | OrderCancelRejected
    | OrderFilled
    | OrderCanceled
    | OrderRejected
    | OrderExpired
    | OrderReplaced
    | OrderReplaceRejected
)


@subscribe(OrderSubmitted)
def instruct_submitted(event: OrderSubmitted) -> None:
    order_instruct(order_id=UUID(event.order_id))


@subscribe(OrderAccepted)
def route_accepted(event: OrderAccepted) -> None:
    order_route(order_id=UUID(event.order_id))


@subscribe(OrderCancelRequested)
def route_cancel(event: OrderCancelRequested) -> None:
    cancel_route(order_id=UUID(event.order_id), reason=event.reason)


@subscribe(OrderReplaceRequested)
def route_replacement(event: OrderReplaceRequested) -> None:
    replace_route(order_id=UUID(event.order_id))


@subscribe(OrderReplaced)
def route_replaced(event: OrderReplaced) -> None:
    """Try the new terms on the last quote."""
    order_route(order_id=UUID(event.order_id))


def _push(event: OrderEvent, **more: Any) -> None:
    """Tell the client's connections the order's state now and what just happened to it."""
    data = {"event": event.name, **order_snapshot(UUID(event.order_id)), **more}
    push(user_id=UUID(event.client_id), channel="orders", event_id=event.event_id, data=data)


@subscribe(OrderSubmitted)
def push_submitted(event: OrderSubmitted) -> None:
    _push(event)


@subscribe(OrderCancelRejected)
def push_cancel_rejected(event: OrderCancelRejected) -> None:
    _push(event)


@subscribe(OrderAccepted)
def push_accepted(event: OrderAccepted) -> None:
    _push(event)


@subscribe(OrderFilled)
def push_filled(event: OrderFilled) -> None:
    _push(event, execution_id=event.execution_id, quantity=event.quantity, price=event.price)


@subscribe(OrderCanceled)
def push_canceled(event: OrderCanceled) -> None:
    _push(event)


@subscribe(OrderRejected)
def push_rejected(event: OrderRejected) -> None:
    _push(event)


@subscribe(OrderExpired)
def push_expired(event: OrderExpired) -> None:
    _push(event)


@subscribe(OrderReplaced)
def push_replaced(event: OrderReplaced) -> None:
    _push(event)


@subscribe(OrderReplaceRejected)
def push_replace_rejected(event: OrderReplaceRejected) -> None:
    _push(event)
